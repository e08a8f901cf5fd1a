/*
 * The microbenchmark kernel: what one operation of a PV guest costs, counted
 * in instructions.
 *
 * It boots as domain 0 on any hypervisor of the ABI, in an emulator whose time
 * stamp counter counts instructions (QEMU with -icount shift=0). For each
 * operation it prints one line
 *
 *     BENCH <name> <median> <least> <units>
 *
 * where median and least are the instructions between two readings of the
 * counter less those of an empty operation, and units is how many of the named
 * thing one round does. "BENCH-SKIP <name> <result>" stands for an operation
 * that the hypervisor refused. What remains in a figure of the guest's own
 * work is a handful of instructions around each hypercall or trap.
 */
#ifndef MICRO_H
#define MICRO_H

#include "guest.h"

/*
 * One operation. setup: once, before; false skips it. pre and post: around
 * each round, not counted. op: what is counted, 0 or the error that skips it.
 * done: once, at the end. All but name and op may be NULL.
 *
 * For user mode: op is NULL, and user..user_end is a snippet (see USER_OP).
 */
struct bench {
    const char *name;
    long (*op)(void);
    bool (*setup)(void);
    void (*pre)(void);
    void (*post)(void);
    void (*done)(void);
    unsigned units;  /* 0 = 1 */
    unsigned rounds; /* 0 = ROUNDS */
    const char *user, *user_end;
};
#define WARM_UP 8
#define ROUNDS 65 /* odd: the median is one of them */
#define MAX_ROUNDS 65

/* Each ends with an entry without a name. */
extern const struct bench call_benches[], cpu_benches[], bounce_benches[],
    mmu_benches[], table_benches[], event_benches[], grant_benches[],
    memory_benches[], domain_benches[];

/*
 * A snippet for user mode that counts `text` between two readings of the
 * counter, RSI times, and stores the counts (32 bits each) at RDI. The first
 * reading is at its start and the second at USER_END_MARK from there.
 */
#define USER_END_MARK 64
#define USER_OP(name, text)                                                    \
    extern const char name[], name##_end[];                                    \
    __asm__(".pushsection .text\n.balign 64\n" #name ":\n"                    \
            "rdtsc; movl %eax,%r12d\n" text "\n.balign 64\n"                  \
            "rdtsc; subl %r12d,%eax; movl %eax,(%rdi)\n"                       \
            "addq $4,%rdi; decl %esi; jnz " #name "; int3\n" #name            \
            "_end:\n.popsection\n")

/* ---- entry.S ---- */
/* Counts op() and gives its result in *ret. */
uint64_t timed(long (*op)(void), long *ret);
long empty_op(void);
/*
 * Where a debugger stops before and after further rounds of each operation.
 * trace_begin idles a little: stopping makes the emulator's clock jump to its
 * next timer, whose interrupt is to be over when the operation begins.
 */
void trace_begin(const char *name, bool user);
void trace_end(void);
/*
 * Trap handlers that only return: behind the instruction for INT3, past two
 * bytes for the others. fast_event also takes back what was pending.
 */
extern char fast_int3[], fast_skip2[], fast_skip2_error[], fast_nm[];
extern char fast_event[], fast_syscall[], fast_syscall_flag[];
/* iret to the next instruction. */
long iret_op(void);

/* ---- for the operations ---- */
/* Makes a vector go to one of the handlers above, until the end of the
 * operation. */
void use_trap(unsigned vector, const void *handler);
/* A frame of ours that nothing maps; i counts from 0. */
unsigned long spare_mfn(unsigned i);
/* An address that only the benchmarks use; its L1 exists after the call. */
#define WINDOW (VIRT_BASE + 0x30000000UL)
/* Page i of the window (i < 512): machine address of its L1 entry. */
uint64_t window_entry(unsigned i);
#define DATA (PTE_P | PTE_RW | PTE_US | PTE_AD)

#endif
