/*
 * Segments: LDT entries can be installed, loaded, used and taken away; the
 * FS and GS bases belong to a thread.
 */
#include "t.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SELECTOR(n) ((n) * 8 + 4 + 3)

static int write_ldt(unsigned int entry, unsigned long base,
                     unsigned int limit, bool present)
{
    struct user_desc d;

    memset(&d, 0, sizeof d);
    d.entry_number = entry;
    d.base_addr = base;
    d.limit = limit;
    d.seg_32bit = 1;
    d.seg_not_present = !present;
    d.useable = 1;
    return syscall(SYS_modify_ldt, 0x11, &d, sizeof d);
}

static uint32_t read_gs(unsigned int selector, unsigned int offset)
{
    uint32_t value;

    asm volatile("mov %w1, %%gs\n\t movl %%gs:(%2), %0"
                 : "=r"(value)
                 : "r"(selector), "r"((uint64_t)offset));
    return value;
}

static int load_gs(void *arg)
{
    asm volatile("mov %w0, %%gs" ::"r"((unsigned int)(uintptr_t)arg));
    return 0;
}

static int read_beyond(void *arg)
{
    asm volatile("mov %w0, %%ds\n\t mov %w0, %%es" ::"r"(
        (unsigned int)(uintptr_t)arg));
    return 0;
}

static void test_ldt(void)
{
    uint32_t *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    unsigned int n, good = 0;
    int got;

    if (!t_ok(low != MAP_FAILED, "memory below 2 GiB"))
        return;
    for (n = 0; n < 2048; n++)
        low[n] = n * 0x01010101;
    got = write_ldt(0, (unsigned long)low, 0xffff, true);
    if (!t_ok(got == 0, "first LDT entry (%d)", got))
        return;
    t_ok(read_gs(SELECTOR(0), 40) == 10 * 0x01010101, "and it is used");

    for (n = 1; n < 1200; n += 13)
        good += write_ldt(n, (unsigned long)(low + n), 0xffff, true) == 0 &&
                read_gs(SELECTOR(n), 4) == (n + 1) * 0x01010101;
    t_ok(good == 93, "%u of 93 entries on three pages work", good);

    got = t_child(load_gs, (void *)(uintptr_t)SELECTOR(5000));
    t_ok(got == SIGSEGV, "a selector beyond the LDT is refused (%d)", got);
    t_ok(write_ldt(1, 0, 0, false) == 0, "entry 1 taken away");
    got = t_child(load_gs, (void *)(uintptr_t)SELECTOR(1));
    t_ok(got == SIGSEGV || got == SIGBUS, "it cannot be loaded (%d)", got);
    got = t_child(read_beyond, (void *)(uintptr_t)SELECTOR(14));
    t_ok(got == 1000, "a forked child has the LDT too (%d)", got);
    asm volatile("mov %w0, %%gs" ::"r"(0));
    munmap(low, 8192);
}

static atomic_bool stop;
static atomic_ulong reads, wrong;

/*
 * The GS base is free for a program's use in 64-bit mode. The slots that it
 * points to hold their own addresses.
 */
static void *keep_gs(void *arg)
{
    uint64_t slots[64];
    unsigned int i;
    uint32_t seed = (uintptr_t)arg;

    while (!atomic_load(&stop)) {
        uint64_t value;

        i = t_random(&seed) % 64;
        slots[i] = (uint64_t)&slots[i];
        syscall(SYS_arch_prctl, ARCH_SET_GS, &slots[i]);
        if (t_random(&seed) % 4 == 0)
            t_pin(t_random(&seed) % t_cpus());
        else
            syscall(SYS_sched_yield);
        asm volatile("movq %%gs:0, %0" : "=r"(value));
        if (value != (uint64_t)&slots[i])
            atomic_fetch_add(&wrong, 1);
        atomic_fetch_add(&reads, 1);
    }
    return NULL;
}

static void test_bases(void)
{
    pthread_t threads[5];
    uintptr_t i;

    for (i = 0; i < 5; i++)
        pthread_create(&threads[i], NULL, keep_gs, (void *)(i + 1));
    usleep(1500000);
    atomic_store(&stop, true);
    for (i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    t_ok(reads > 100 && wrong == 0, "%lu of %lu reads by GS base went wrong",
         wrong, reads);
    t_ok(syscall(SYS_arch_prctl, ARCH_SET_GS, 0xffff82d040000000) == -1,
         "a GS base in the hypervisor is refused");
    t_ok(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x0000800000000000) == -1,
         "a non-canonical GS base is refused");
}

int test_segments(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    test_ldt();
    test_bases();
    return 0;
}
