/*
 * mini-os, the sample guest: everything its parts share. Strict C89.
 * "PFN" counts this kernel's own pages from VIRT_BASE on; "MFN" is a machine
 * frame. Unless a comment says otherwise a function may be called with
 * interrupts on or off and leaves them as they were.
 */
#ifndef MINI_OS_H
#define MINI_OS_H

#include <stdarg.h>
#include <stddef.h>
#include <user.h>

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

#define PAGE_SIZE 4096UL
#define VIRT_BASE 0xffffffff80000000UL
#define MAX_CPUS 4
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PTE_P 1UL
#define PTE_RW 2UL
#define PTE_USER 4UL
#define PTE_AD 0x60UL
#define PTE_ADDR 0x000ffffffffff000UL

/* ---- the operations ---- */

#define IDENT_NATIVE 0x6576746eU /* "ntve" */
#define IDENT_XEN 0x336e6578U    /* "xen3" */
#define IDENT_SAMPLE 0x706d6173U /* "samp" */

/* What a call site of one operation becomes in place of a call. */
struct inline_code {
    u64 op; /* offset in struct ops */
    u64 length;
    const u8 *code;
};

/*
 * The tables of a user's addresses, a page each, filled in but for l4, which
 * is cleared and for those who want another top level for user mode.
 */
struct user_tables {
    u64 *l4, *l3, *l2, *l1;
};

struct memory_layout {
    u64 first_pfn, end_pfn; /* free and mapped: first_pfn <= n < end_pfn */
};

enum stop { STOP_OFF, STOP_REBOOT, STOP_CRASH };

/*
 * A hypervisor's table holds only what differs from the native one: its null
 * entries leave the native operation in force. init is called once the table
 * is copied and the call sites are patched, with what the entry was given.
 */
struct ops {
    u64 ident;
    const char *name;
    const struct inline_code *inlined; /* ends with length 0 */
    u64 user_cs, user_ss;
    void (*init)(void *boot);
    const char *(*command_line)(void *boot); /* before init */
    void (*irq_on)(void);
    void (*irq_off)(void);
    int (*irq_state)(void); /* not 0: on */
    void (*trap_entry)(void); /* only ever inlined */
    void (*trap_exit)(void);  /* jumped to, with the machine's frame on top */
    void (*load_traps)(void); /* of this processor, as the next three */
    void (*set_tss)(void);
    void (*set_gs_base)(u64 base);
    void (*set_kernel_stack)(u64 rsp); /* for what comes from user mode */
    void (*cpuid)(u32 leaf, u32 regs[4]); /* eax ebx ecx edx */
    u64 (*fault_address)(void);
    void (*interrupt)(unsigned vector); /* interrupts off */
    void (*start_timer)(void);
    u64 (*cycles)(void);       /* the time stamp counter */
    u64 (*time_ns)(void);      /* monotonic, interrupts off */
    u64 (*wall_seconds)(void); /* since 1970 */
    void (*idle)(void);        /* interrupts off; returns with them on */
    void (*relax)(void);       /* in a loop that waits for another processor */
    unsigned (*cpu_count)(void);
    int (*start_cpu)(unsigned cpu, u64 rsp); /* at secondary_start; -errno */
    void (*memory)(struct memory_layout *m);
    u64 (*pfn_to_mfn)(u64 pfn);
    int (*set_pte)(u64 va, u64 pte); /* 0 or -errno; flushes nothing */
    void (*flush_page)(u64 va);
    void (*flush_tlb)(void);
    void (*flush_tlb_many)(u64 cpus); /* a bit a processor; interrupts on */
    int (*show_user)(const struct user_tables *t); /* 0 or -errno */
    void (*hide_user)(const struct user_tables *t);
    void (*console_write)(const char *s, size_t n);
    int (*console_read)(void); /* a character or -1 */
    void (*stop)(enum stop why);
};
extern struct ops ops;
extern const struct ops xen_ops;
extern const struct inline_code native_inlined[];

/* head.S comes here; irqs are off. Does not return. */
void paravirt_start(u32 ident, void *boot);
/* Patches all call sites for the operations in force. */
void patch_sites(void);
/* The patched bytes of irq_off's first call site. */
const u8 *sample_site(void);
/* The native operations that a hypervisor's table may use as they are. */
void native_init(void *boot);
void native_cpuid(u32 leaf, u32 regs[4]);
u64 native_cycles(void);
void native_relax(void);
void nothing(void);
/* How often the last two were used. */
u64 native_uses(void);
/* How many hypercalls were made; those of a number, of an mmuext command. */
u64 hypercalls_made(void);
u64 hypercalls_of(unsigned number);
u64 mmuext_calls_of(unsigned command);

/* A call site of an operation without arguments, patched at entry. */
#define OP_SITE(member)                                                        \
    __asm__ __volatile__("771: call *ops + %c0\n\t"                            \
                         ".byte 0x90, 0x90\n"                                  \
                         "772: .pushsection .patches, \"a\"\n\t"               \
                         ".quad 771b, 772b - 771b, %c0, 0xe8\n\t"              \
                         ".popsection"                                         \
                         :                                                     \
                         : "i"(offsetof(struct ops, member))                   \
                         : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9",      \
                           "r10", "r11", "memory", "cc")
void irq_on(void);
void irq_off(void);
/*
 * Turns interrupts off and takes the kernel's lock, which a processor may take
 * several times; gives what irq_restore takes. A thread that sleeps lets go of
 * the lock until it runs again.
 */
int irq_save(void);
void irq_restore(int state);

/* ---- traps ---- */

struct trap_frame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;
};
#define VECTOR_IRQ 32
#define VECTOR_TICK 48  /* from processor 0 to the others, bare machine */
#define VECTOR_FLUSH 49 /* empty the TLB, bare machine */
#define VECTOR_EVENT 0x100
#define VECTOR_FAILSAFE 0x101
#define VECTOR_SYSCALL 0x102
extern char trap_stubs[]; /* 50 of 16 bytes */
extern char event_stub[], failsafe_stub[], syscall_stub[];
void handle_trap(struct trap_frame *f);
/*
 * Calls fn(arg). A fault in it ends it: gives the vector, and its address in
 * last_fault for a page fault. -1: no fault.
 */
long run_guarded(void (*fn)(u64), u64 arg);
extern u64 last_fault;

/* ---- memory ---- */

void mm_init(void);
/* What is managed here, first <= pfn < end. */
u64 mm_first_pfn(void);
u64 mm_end_pfn(void);
/* A cleared page, or null. free_page takes what alloc_page gave. */
void *alloc_page(void);
void free_page(void *page);
u64 free_pages(void);
/* n bytes, 16-aligned, or null. */
void *alloc(size_t n);
/* The same at a multiple of align, a power of two. */
void *alloc_aligned(size_t n, u64 align);
void release(void *p);
/* n times size bytes, cleared. */
void *alloc_cleared(size_t n, size_t size);
u64 heap_free(void);

/* ---- threads ---- */

struct thread;
struct wait_queue {
    struct thread *first;
};
struct semaphore {
    long count;
    struct wait_queue queue;
};
struct mutex {
    struct thread *owner;
    struct wait_queue queue;
};
void sched_init(void);
/* Null: no memory. name is kept, not copied. It stays on this processor. */
struct thread *thread_create(const char *name, void (*fn)(void *), void *arg);
struct thread *thread_create_on(unsigned cpu, const char *name,
                                void (*fn)(void *), void *arg);
void thread_exit(void);
void yield(void);
void sleep_ms(u64 ms);
/* Sleeps until wake_all; irqs off at the call, so that no wake is missed. */
void wait_on(struct wait_queue *q);
/* The same, but not beyond time_ns() = deadline_ns. 1: woken; 0: too late. */
int wait_until(struct wait_queue *q, u64 deadline_ns);
void wake_one(struct wait_queue *q);
void wake_all(struct wait_queue *q);
void sem_down(struct semaphore *s);
void sem_up(struct semaphore *s);
void mutex_lock(struct mutex *m);
/* By the owner only. 0, or -1: it is not. */
int mutex_unlock(struct mutex *m);
/*
 * Held by who counts on machine frames or processors staying what they are,
 * for longer than interrupts are off; taken before any other mutex.
 */
extern struct mutex machine_lock;
/* At every timer interrupt, irqs off: wakes sleepers, asks for a switch. */
void sched_tick(void);
/* At the end of an interrupt, irqs off: switches if asked to. */
void sched_after_interrupt(void);
u64 tick_count(void);
u64 switch_count(void);
void list_threads(void);
/* Where a fault of the current thread goes on, if not 0; see run_guarded. */
u64 *guard_slot(void);
void switch_stack(u64 *save_rsp, u64 rsp);
void thread_first(void);

/* ---- processors ---- */

/* The one that runs this. */
unsigned this_cpu(void);
/* Those that schedule threads, a bit each. */
u64 cpus_online(void);
/* Starts another one. 0 or -errno, also if it does not answer. */
int cpu_up(unsigned cpu);
/* A new processor's first steps, on its idle thread's stack. */
void secondary_start(void);
void kernel_lock(void);
void kernel_unlock(void);

/* ---- user mode ---- */

/*
 * Runs the program compiled in to its end: what it passed to exit, or -1000 -
 * vector of the fault that ended it, or -1: no memory. On processor 0; waits
 * for its turn.
 */
long run_user(enum user_act act);
/* A system call or a fault of user mode, from handle_trap. */
void user_syscall(struct trap_frame *f);
void user_fault(const struct trap_frame *f);

/* ---- time, output, ends ---- */

u64 time_ns(void);
/* The time stamp counter. */
u64 read_tsc(void);
/* As it was when paravirt_start began. */
u64 entry_cycles(void);
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line; waits for input. The end is cut off if it is too long. */
void read_line(char *line, size_t size);
void stop(enum stop why) __attribute__((noreturn));
void panic(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));
/* The value of word=VALUE on the command line, or null; len is its length. */
const char *option(const char *word, size_t *len);
void run_application(void);

/* ---- C ---- */

void *memset(void *p, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);
void *memmove(void *d, const void *s, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);
unsigned long strtoul(const char *s, char **end, int base);
int atoi(const char *s);
/* %d %u %x %p %s %c %%, with l, 0, - and a width. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
