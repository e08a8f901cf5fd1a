/*
 * The library of the test kernels.
 *
 * A test is one file:
 *
 *     #include "guest.h"
 *     const char test_title[] = "null page refused";
 *     void test_main(void)
 *     {
 *         expect(hypercall1(..., 0) == -EINVAL, "gave success");
 *     }
 *
 * Verdicts: SUCCESS (test_main returns), SKIP, ERROR (the test is broken),
 * FAILURE (the hypervisor is broken), CRASH (no verdict at all, or a trap that
 * the test did not expect). The runner turns them into TAP.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/callback.h>
#include <xen/version.h>

enum {
#define XEN_ERRNO(name, value) name = value,
#include <xen/errno.h>
};

#define PAGE_SIZE 4096UL
/*
 * With LOW the kernel lies at address 0 of the lower half, and its user mode
 * runs on the kernel's own tables.
 */
#ifdef LOW
#define VIRT_BASE 0UL
#define USER_CODE 0x40000000UL
#define USER_STACK 0x40100000UL
#else
#define VIRT_BASE 0xffffffff80000000UL
#define USER_CODE 0x400000UL
#define USER_STACK 0x500000UL
#endif
/* Where hypervisors of this ABI map all memory for themselves. */
#define HYPERVISOR_WINDOW 0xffff830000000000UL
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

extern const char test_title[];
void test_main(void);

/* ---- verdicts and output ---- */
/* A line of remarks. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void __attribute__((noreturn)) skip(const char *why);
void __attribute__((noreturn)) error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
void __attribute__((noreturn)) crash(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* The verdict now: SUCCESS, or FAILURE if there was one. */
void __attribute__((noreturn)) finish(void);
void __attribute__((noreturn)) power_off(void);
/* Notes a failure and goes on. */
void failure(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define expect(cond, ...)                                                      \
    do {                                                                       \
        if (!(cond)) {                                                         \
            print("line %d: %s: ", __LINE__, #cond);                           \
            failure(__VA_ARGS__);                                              \
        }                                                                      \
    } while (0)
#define expect_eq(expr, want)                                                  \
    do {                                                                       \
        long got_ = (long)(expr), want_ = (long)(want);                        \
        if (got_ != want_)                                                     \
            failure("line %d: %s is %ld (%#lx), not %ld (%#lx)", __LINE__,     \
                    #expr, got_, got_, want_, want_);                          \
    } while (0)

/* ---- hypercalls ---- */
extern char hypercall_page[];
static inline long hypercall(unsigned nr, unsigned long a1, unsigned long a2,
                             unsigned long a3, unsigned long a4,
                             unsigned long a5)
{
    register unsigned long r10 __asm__("r10") = a4;
    register unsigned long r8 __asm__("r8") = a5;
    long ret;

    __asm__ volatile("call *%[entry]"
                     : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10),
                       "+r"(r8)
                     : [entry] "r"(hypercall_page + nr * 32UL)
                     : "memory", "rcx", "r11", "r9");
    return ret;
}
#define HC(a) ((unsigned long)(a))
#define hypercall5(n, a, b, c, d, e)                                           \
    hypercall(n, HC(a), HC(b), HC(c), HC(d), HC(e))
#define hypercall4(n, a, b, c, d) hypercall5(n, a, b, c, d, 0)
#define hypercall3(n, a, b, c) hypercall5(n, a, b, c, 0, 0)
#define hypercall2(n, a, b) hypercall5(n, a, b, 0, 0, 0)
#define hypercall1(n, a) hypercall5(n, a, 0, 0, 0, 0)
#define hypercall0(n) hypercall5(n, 0, 0, 0, 0, 0)

/*
 * Whether this is Xeno. For the few checks that another hypervisor of the same
 * ABI fails by its design; a test that uses it says what differs.
 */
bool on_xeno(void);
/* mmu_update of one entry in the own domain: 0 or -errno. */
long mmu_update1(uint64_t ptr, uint64_t val);
long mmuext1(unsigned cmd, unsigned long mfn);
long update_va(unsigned long va, uint64_t pte, unsigned long flags);
long set_callbacks(const void *event, const void *failsafe, const void *sc);

/* ---- events ---- */
long evtchn_op(unsigned cmd, void *arg);
/* An interdomain channel from this domain to itself, vCPU 0: both ends. */
void evtchn_pair(unsigned *near, unsigned *far);
/* Makes a port of ours pending on vCPU 0 (a pair made on first use). */
void evtchn_send_self(void);
long evtchn_send(unsigned port);

/* Clears all that is pending, unmasks all ports of word 0. */
void evtchn_reset_pending(void);
bool evtchn_is_pending(unsigned port);
/* A port for a virtual interrupt on vCPU 0. */
unsigned bind_virq(unsigned virq);

/* ---- time ---- */
/* Nanoseconds since the machine started, as a time record tells; vCPU 0's. */
uint64_t time_by(volatile struct vcpu_time_info *t);
uint64_t system_time(void);
/* Spins. */
void delay_ms(unsigned ms);
#define MS 1000000UL

/* ---- memory: the kernel's PFNs, mapped at VIRT_BASE + pfn * 4096 ---- */
extern struct start_info *start_info;
extern struct shared_info *shared_info; /* mapped */
unsigned long alloc_pfn(void);          /* a cleared, mapped, writable page */
void *alloc_page(void);
static inline void *pfn_to_virt(unsigned long pfn)
{
    return (void *)(VIRT_BASE + pfn * PAGE_SIZE);
}
static inline unsigned long virt_to_pfn(const void *p)
{
    return ((unsigned long)p - VIRT_BASE) / PAGE_SIZE;
}
unsigned long pfn_to_mfn(unsigned long pfn);
/* A cleared page, mapped read-only: ready to become a page table. */
void *alloc_table(void);
static inline unsigned long virt_to_mfn(const void *p)
{
    return pfn_to_mfn(virt_to_pfn(p));
}
unsigned long kernel_l4_mfn(void);
/* The contents of a frame of ours that the kernel's mapping shows. */
const uint64_t *table_of(unsigned long mfn);
/* Machine address of the level's entry for va; 0: a table above is missing. */
uint64_t entry_maddr(unsigned long l4_mfn, unsigned long va, unsigned level);
uint64_t read_entry(uint64_t maddr);
/* Machine address of the L1 entry that maps a kernel address. */
uint64_t l1_entry_maddr(const void *va);
uint64_t read_pte(const void *va);
/* Makes a page of the kernel's mapping read-only / writable again. */
long set_readonly(const void *va);
long set_writable(const void *va);
#define PTE_P 1UL
#define PTE_RW 2UL
#define PTE_US 4UL
#define PTE_PSE 0x80UL
#define PTE_G 0x100UL
#define PTE_NX (1UL << 63)
#define PTE_AD 0x60UL
#define PTE_ADDR 0x000ffffffffff000UL
#define PTE(mfn, flags) (((uint64_t)(mfn) << 12) | (flags))

/* ---- traps ---- */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx,
        rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};
#define VECTOR_EVENT 0x100
#define VECTOR_FAILSAFE 0x101
#define VECTOR_SYSCALL 0x102
extern uint64_t failsafe_selectors[4]; /* ds es fs gs */

/* What the last trap was; cleared by run_guarded and run_user. */
struct trap_record {
    unsigned count;
    uint64_t vector, error_code, rip, cs, rflags, cr2, rax;
};
extern volatile struct trap_record last_trap;
/*
 * Calls fn(arg). A trap in it ends it: then gives -1 and last_trap tells.
 * Otherwise fn's result.
 */
long run_guarded(long (*fn)(long), long arg);
/* Handler of the test's own; true = go on where the frame says. */
extern bool (*trap_hook)(struct trap_frame *f);

extern char event_callback[], failsafe_callback[], syscall_callback[];

/*
 * Runs code in guest user mode until it traps (SYSCALL, INT n, a fault). code:
 * bytes copied to the page at USER_CODE, position-independent; the stack is
 * the page below USER_STACK; arg arrives in RDI, the other registers are 0.
 * last_trap and *out tell how it ended.
 */
void run_user(const void *code, size_t size, unsigned long arg,
              struct trap_frame *out);
/* The same from a frame of five words (rip cs rflags rsp ss). */
void run_user_frame(const uint64_t *iret_frame, unsigned long arg,
                    struct trap_frame *out);
/* Where run_user's traps push their frame; 0: below the caller's stack. */
extern unsigned long user_trap_stack;
/* Flags word of run_user's iret (VGCF_in_syscall). */
extern unsigned long user_iret_flags;
/* Defines code for run_user as an array, and its end. */
#define USER_SNIPPET(name, text)                                               \
    extern const char name[], name##_end[];                                    \
    __asm__(".pushsection .rodata\n" #name ":\n" text "\n" #name            \
            "_end:\n.popsection\n")
#define RUN_USER(name, arg, out)                                               \
    run_user(name, (size_t)(name##_end - name), (unsigned long)(arg), out)
/* The user mode's L4 (machine frame), made on first use. */
unsigned long user_l4_mfn(void);
/*
 * Maps a machine frame into the user address space, the kernel's, or that of
 * any L4, with new tables where needed. 0 or -errno.
 */
long map_in(unsigned long l4_mfn, unsigned long va, uint64_t pte);
long kernel_map(unsigned long va, uint64_t pte);
long user_map(unsigned long va, uint64_t pte);

/* ---- more vCPUs ---- */
/*
 * A context in which a vCPU begins fn on a stack of its own, with the same
 * traps and callbacks as vCPU 0; and all of VCPUOP_initialise and VCPUOP_up.
 */
struct vcpu_guest_context *vcpu_context(void (*fn)(void));
void vcpu_start(unsigned id, void (*fn)(void));
long vcpu_op(unsigned cmd, unsigned id, void *arg);

/* ---- of the library itself ---- */
extern const struct trap_info trap_gates[]; /* ends with an empty one */
void guest_start(struct start_info *si);
void guest_trap(struct trap_frame *f);
void traps_init(void);
void mm_init(void);
#define DECLARE_TRAP(v) extern char trap_##v[]
DECLARE_TRAP(0);
DECLARE_TRAP(1);
DECLARE_TRAP(2);
DECLARE_TRAP(3);
DECLARE_TRAP(4);
DECLARE_TRAP(5);
DECLARE_TRAP(6);
DECLARE_TRAP(7);
DECLARE_TRAP(8);
DECLARE_TRAP(10);
DECLARE_TRAP(11);
DECLARE_TRAP(12);
DECLARE_TRAP(13);
DECLARE_TRAP(14);
DECLARE_TRAP(16);
DECLARE_TRAP(17);
DECLARE_TRAP(18);
DECLARE_TRAP(19);
DECLARE_TRAP(32);
DECLARE_TRAP(33);
DECLARE_TRAP(128);

/* ---- freestanding C ---- */
void *memset(void *p, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
char *strstr(const char *hay, const char *needle);

#endif
