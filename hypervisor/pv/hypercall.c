/*
 * The hypercall table, the hypercall page, multicalls, and giving way in long
 * calls.
 *
 * A plain call that gives way winds the guest's rip back over its SYSCALL and
 * puts new arguments into its registers, so that returning to the guest makes
 * the call again - after softirqs, other vCPUs and event upcalls have had
 * their turn. Within a multicall the new arguments go into the entry at work
 * instead, and the multicall itself gives way.
 */
#include "core/hypercall.h"

#include <stdarg.h>
#include "arch/x86/smap.h"
#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "pv/pv.h"
#include <xen/xen.h>

hypercall_fn_t *hypercall_table[NR_HYPERCALLS];
uint8_t hypercall_nargs[NR_HYPERCALLS];

extern const struct hypercall_entry hypercalls_start[], hypercalls_end[];

static long no_such_hypercall(uint64_t a1, uint64_t a2, uint64_t a3,
                              uint64_t a4, uint64_t a5, uint64_t a6)
{
    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    return -ENOSYS;
}

void __init hypercall_init(void)
{
    const struct hypercall_entry *e;

    for (unsigned i = 0; i < NR_HYPERCALLS; i++)
        hypercall_table[i] = no_such_hypercall;
    for (e = hypercalls_start; e < hypercalls_end; e++) {
        BUG_ON(e->nr >= NR_HYPERCALLS ||
               hypercall_table[e->nr] != no_such_hypercall);
        hypercall_table[e->nr] = e->fn;
        hypercall_nargs[e->nr] = (uint8_t)e->nargs;
    }
}

static void set_argument(struct cpu_user_regs *regs, unsigned i, uint64_t v)
{
    switch (i) {
    case 0:
        regs->rdi = v;
        break;
    case 1:
        regs->rsi = v;
        break;
    case 2:
        regs->rdx = v;
        break;
    case 3:
        regs->r10 = v;
        break;
    case 4:
        regs->r8 = v;
        break;
    default:
        regs->r9 = v;
        break;
    }
}

long hypercall_continue(unsigned op, unsigned nargs, ...)
{
    struct vcpu *v = current;
    struct cpu_user_regs *regs = guest_regs();
    va_list ap;

    va_start(ap, nargs);
    for (unsigned i = 0; i < nargs && i < 6; i++) {
        uint64_t arg = va_arg(ap, uint64_t);
        if (v->multicall.active)
            v->multicall.args[i] = arg;
        else
            set_argument(regs, i, arg);
    }
    va_end(ap);
    v->multicall.nargs = nargs;
    if (v->multicall.active)
        v->multicall.preempted = true;
    else
        regs->rip -= 2; /* back to the SYSCALL instruction */
    return op;
}

/* multicall_entry: the guest is in user mode now, the list is out of sight. */
#define MULTICALL_LEFT 1

/*
 * The entry gave way: it will be made again with what is left to do. Or it was
 * an iret to user mode (iret.c), whose result is the register rax.
 */
static __noinline int multicall_preempted(struct vcpu *v, vaddr_t entry,
                                          unsigned long op, uint64_t *args,
                                          uint64_t result)
{
    struct multicall_entry call = {.op = op, .result = op};

    if (!v->pv.in_kernel) {
        v->multicall.args[0] = result;
        return MULTICALL_LEFT;
    }
    for (unsigned i = 0; i < 6; i++)
        call.args[i] = i < v->multicall.nargs ? v->multicall.args[i] : args[i];
    return copy_to_guest_va(entry, &call, sizeof(call)) ? -EFAULT
                                                        : -ERESTART_PREEMPT;
}

/*
 * Runs one entry, whose range has been checked. Each word is read once; only
 * the result is written back, or on giving way the arguments.
 */
static __always_inline int multicall_entry(struct vcpu *v, vaddr_t entry)
{
    struct multicall_entry *g = (struct multicall_entry *)entry;
    uint64_t op, a[6], result;

    stac();
    GET_GUEST(op, &g->op, fault);
    GET_GUEST(a[0], &g->args[0], fault);
    GET_GUEST(a[1], &g->args[1], fault);
    GET_GUEST(a[2], &g->args[2], fault);
    GET_GUEST(a[3], &g->args[3], fault);
    GET_GUEST(a[4], &g->args[4], fault);
    GET_GUEST(a[5], &g->args[5], fault);
    clac();
    result = likely(op < NR_HYPERCALLS)
                 ? (uint64_t)hypercall_table[nospec_index(op, NR_HYPERCALLS)](
                       a[0], a[1], a[2], a[3], a[4], a[5])
                 : (uint64_t)-ENOSYS;
    if (unlikely(v->multicall.preempted))
        return multicall_preempted(v, entry, op, a, result);
    stac();
    PUT_GUEST(&g->result, result, fault);
    clac();
    return 0;
fault:
    clac();
    return -EFAULT;
}

/*
 * multicall(call_list, nr_calls): runs the entries in order; each entry's
 * result is stored in it. Gives 0; -EINVAL when nested or too many; -EFAULT
 * when the list cannot be read or written (entries before have run). Gives way
 * between entries and within one that does.
 *
 * An iret to user mode ends it: handlers take the loaded tables for the
 * kernel's, so none may run after it.
 */
static long do_multicall(uint64_t list, uint64_t nr, uint64_t a3, uint64_t a4,
                         uint64_t a5, uint64_t a6)
{
    struct vcpu *v = current;
    int rc = 0;

    (void)a3, (void)a4, (void)a5, (void)a6;
    nr = (uint32_t)nr;
    if (v->multicall.active)
        return -EINVAL;
    if (!guest_range_ok(list, nr * sizeof(struct multicall_entry)))
        return -EFAULT;

    v->multicall.active = true;
    while (nr) {
        v->multicall.preempted = false;
        rc = multicall_entry(v, list);
        if (rc)
            break;
        list += sizeof(struct multicall_entry);
        nr--;
        if (nr && preempt_needed()) {
            rc = -ERESTART_PREEMPT;
            break;
        }
        if (v->domain->is_shutting_down)
            break;
    }
    v->multicall.active = false;
    v->multicall.preempted = false;
    if (rc == -ERESTART_PREEMPT)
        return hypercall_continue(__HYPERVISOR_multicall, 2, list, nr);
    return rc == MULTICALL_LEFT ? (long)v->multicall.args[0] : rc;
}
HYPERCALL(__HYPERVISOR_multicall, 2, do_multicall);

/*
 * Stub n, 32 bytes: push rcx, r11; mov $n, eax; syscall; pop; ret. iret's stub
 * leaves the stack alone but for the three words that its frame starts with.
 */
void hypercall_page_init(void *page)
{
    static const uint8_t call_stub[] = {
        0x51, 0x41, 0x53,             /* push %rcx; push %r11 */
        0xb8, 0, 0, 0, 0, 0x0f, 0x05, /* mov $n, %eax; syscall */
        0x41, 0x5b, 0x59, 0xc3        /* pop %r11; pop %rcx; ret */
    };
    static const uint8_t iret_stub[] = {
        0x51, 0x41, 0x53, 0x50,      /* push %rcx; push %r11; push %rax */
        0xb8, 0, 0, 0, 0, 0x0f, 0x05 /* mov $n, %eax; syscall */
    };
    uint8_t *p = page;

    memset(page, 0xcc, PAGE_SIZE);
    for (unsigned n = 0; n < PAGE_SIZE / 32; n++, p += 32) {
        if (n == __HYPERVISOR_iret) {
            memcpy(p, iret_stub, sizeof(iret_stub));
            p[5] = (uint8_t)n;
        } else {
            memcpy(p, call_stub, sizeof(call_stub));
            p[4] = (uint8_t)n;
        }
    }
}
