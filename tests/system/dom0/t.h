/*
 * Programs that run in domain 0's user mode and judge what they find there.
 *
 * All are linked into one static executable that looks at the name under
 * which it was called. Each test prints a line for every check ("ok ..." or
 * "not ok ...") and its function's value is the exit status: 0 when every
 * check held. They know nothing of the hypervisor, so the same executable
 * must give the same verdict natively.
 */
#ifndef T_H
#define T_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Record one check: print it with the printf-style description, count it if
 * it failed. Safe in several processes, but each process counts for itself.
 */
bool t_ok(bool good, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Like t_ok(), but prints only when the check fails: for hot loops. */
bool t_must(bool good, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Print a remark that is not a check. */
void t_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Checks that failed in this process so far. */
unsigned int t_failed(void);

/* Seconds on the monotonic clock. */
double t_now(void);

/* CPUs that are online. */
unsigned int t_cpus(void);

/* Bind the calling thread to one CPU; says whether that worked. */
bool t_pin(unsigned int cpu);

/* A small pseudo-random generator; *state must not be 0. */
uint32_t t_random(uint32_t *state);

/*
 * Run fn(arg) in a child process and report how that ended.
 *
 * Returns the number of the signal that killed the child, or
 * 1000 + exit status (fn's value).
 */
int t_child(int (*fn)(void *arg), void *arg);

/*
 * Read (or write) one byte at an address that may fault, in this process.
 *
 * Returns 0 when it worked, else the signal's number. *where, when not NULL,
 * receives the address that the signal named.
 */
int t_probe(volatile void *addr, bool write, void **where);

/*
 * Count up the words of a buffer, one after the other, until *stop is set or
 * a store faults. Returns 0 or the signal's number.
 */
int t_count_up(volatile uint64_t *words, unsigned int n,
               volatile _Atomic bool *stop);

/* The tests, called like main(). */
int test_stress(int argc, char **argv);
int test_fpu(int argc, char **argv);
int test_clock(int argc, char **argv);
int test_priv(int argc, char **argv);
int test_faults(int argc, char **argv);
int test_cpus(int argc, char **argv);
int test_debugreg(int argc, char **argv);
int test_segments(int argc, char **argv);

/* What stress starts by exec; checks that its arguments arrived whole. */
int stress_exec_child(int argc, char **argv);

#endif
