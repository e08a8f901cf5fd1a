/*
 * User mode: one program at a time, on processor 0, in tables of its own; its
 * system calls; and its end by exit or by a fault.
 */
#include <mini-os.h>

#define PROGRAM_PAGES_MAX 8
#define STACK_SLOT 511

long enter_user(struct trap_frame *f, u64 *save_rsp); /* head.S */
void leave_user(u64 rsp, long value) __attribute__((noreturn));
extern const u8 user_program[], user_program_end[];

static u64 kernel_rsp; /* of the thread in user mode, where it left */

/* ---- its memory ---- */

static u64 entry_of(const void *page)
{
    return ops.pfn_to_mfn(((u64)page - VIRT_BASE) / PAGE_SIZE) << 12 | PTE_P |
           PTE_RW | PTE_USER | PTE_AD;
}

/* What is missing is null; free_tables takes that, too. */
static int alloc_tables(struct user_tables *t)
{
    t->l4 = alloc_page();
    t->l3 = alloc_page();
    t->l2 = alloc_page();
    t->l1 = alloc_page();
    return t->l4 && t->l3 && t->l2 && t->l1 ? 0 : -1;
}

static void free_one(void *page)
{
    if (page)
        free_page(page);
}

static void free_tables(struct user_tables *t)
{
    free_one(t->l4);
    free_one(t->l3);
    free_one(t->l2);
    free_one(t->l1);
}

/* A new page at a slot of the lowest table. */
static int add_page(struct user_tables *t, unsigned slot, void **page)
{
    *page = alloc_page();
    if (!*page)
        return -1;
    t->l1[slot] = entry_of(*page);
    return 0;
}

static int load(struct user_tables *t, void **pages)
{
    size_t size = (size_t)(user_program_end - user_program), done, n;
    unsigned i;

    for (i = 0, done = 0; done < size; i++, done += n) {
        if (i + 1 >= PROGRAM_PAGES_MAX || add_page(t, i, &pages[i]))
            return -1;
        n = size - done < PAGE_SIZE ? size - done : PAGE_SIZE;
        memcpy(pages[i], user_program + done, n);
    }
    if (add_page(t, STACK_SLOT, &pages[i]))
        return -1;
    t->l2[USER_BASE >> 21] = entry_of(t->l1);
    t->l3[0] = entry_of(t->l2);
    return 0;
}

/* ---- its run ---- */

static long run(enum user_act act)
{
    struct trap_frame f = {0};
    long ret;

    f.rdi = act;
    f.rip = USER_BASE;
    f.rsp = USER_STACK_TOP - 8; /* as after a call */
    f.cs = ops.user_cs;
    f.ss = ops.user_ss;
    f.rflags = 0x202;
    irq_off();
    ret = enter_user(&f, &kernel_rsp);
    irq_on();
    return ret;
}

static long load_and_run(enum user_act act)
{
    struct user_tables t = {NULL, NULL, NULL, NULL};
    void *pages[PROGRAM_PAGES_MAX] = {NULL};
    unsigned i;
    long ret = -1;

    if (!alloc_tables(&t) && !load(&t, pages) && !ops.show_user(&t)) {
        ret = run(act);
        ops.hide_user(&t);
    }
    free_tables(&t);
    for (i = 0; i < ARRAY_SIZE(pages); i++)
        free_one(pages[i]);
    return ret;
}

long run_user(enum user_act act)
{
    long ret;

    if (this_cpu())
        return -1;
    mutex_lock(&machine_lock);
    ret = load_and_run(act);
    mutex_unlock(&machine_lock);
    return ret;
}

/* ---- what it asks for ---- */

struct copy {
    u8 *to;
    const u8 *from;
    size_t n;
};

static void do_copy(u64 arg)
{
    const struct copy *c = (const void *)arg;

    memcpy(c->to, c->from, c->n);
}

static int is_user(u64 at, u64 n)
{
    return at >= USER_BASE && at <= USER_TABLE_END && n <= USER_TABLE_END - at;
}

/* 0, or -14: not all of it is the user's, or not there. */
static int copy_from_user(void *to, u64 from, size_t n)
{
    struct copy c;

    if (!is_user(from, n))
        return -SYS_EFAULT;
    c.to = to;
    c.from = (const u8 *)from;
    c.n = n;
    return run_guarded(do_copy, (u64)&c) == -1 ? 0 : -SYS_EFAULT;
}

static long sys_write(u64 from, u64 n)
{
    char text[64];
    u64 done, len;

    if (!is_user(from, n))
        return -SYS_EFAULT;
    for (done = 0; done < n; done += len) {
        len = n - done < sizeof(text) - 1 ? n - done : sizeof(text) - 1;
        if (copy_from_user(text, from + done, len))
            return -SYS_EFAULT;
        text[len] = 0;
        print("%s", text);
    }
    return (long)n;
}

void user_syscall(struct trap_frame *f)
{
    long ret = -SYS_ENOSYS;

    if (f->rax == SYS_EXIT)
        leave_user(kernel_rsp, (long)f->rdi);
    irq_on();
    if (f->rax == SYS_WRITE)
        ret = sys_write(f->rdi, f->rsi);
    else if (f->rax == SYS_TIME)
        ret = (long)time_ns();
    f->rax = (u64)ret;
    irq_off();
}

void user_fault(const struct trap_frame *f)
{
    print("user program: vector %lu at %#lx, address %#lx\n", f->vector,
          f->rip, f->vector == 14 ? ops.fault_address() : 0);
    leave_user(kernel_rsp, -1000 - (long)f->vector);
}
