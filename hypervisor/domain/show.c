/* What a crash says about the guest that ran: for the operator's eyes only. */
#include "arch/x86/cpu.h"
#include "arch/x86/map.h"
#include "arch/x86/panic.h"
#include "arch/x86/pte.h"
#include "arch/x86/usercopy.h"
#include "core/vcpu.h"
#include "lib/printk.h"
#include "mm/alloc.h"
#include "mm/frame.h"

#define STACK_WORDS 24u
#define WORDS_PER_LINE 4u

/*
 * Nothing is locked: entries may change under us, but whatever they say, only
 * RAM frames are read.
 */
static void show_walk(const struct vcpu *v, vaddr_t va)
{
    uint64_t cr3 = v->pv.in_kernel ? v->pv.cr3_kernel : v->pv.cr3_user;
    mfn_t m = paddr_to_mfn(cr3);

    printk(XENLOG_ERR "Page tables at %#lx (cr3 %#lx):\n", (unsigned long)va,
           (unsigned long)cr3);
    for (unsigned level = 4; level; level--) {
        const pte_t *t;
        pte_t e;

        if (!mfn_valid(m)) {
            printk(XENLOG_ERR "  frame %#lx is no RAM\n", (unsigned long)m.m);
            return;
        }
        t = map_frame(m);
        e = READ_ONCE(t[pt_index(va, level)]);
        unmap_frame(t);
        m = pte_mfn(e);
        printk(XENLOG_ERR "  L%u[%3u] = %016lx", level, pt_index(va, level),
               (unsigned long)e);
        if ((e & PTE_P) && mfn_valid(m))
            printk(XENLOG_ERR " (PFN %#lx, owner d%u)",
                   (unsigned long)m2p_get(m), frame_owner_id(frame_of(m)));
        printk(XENLOG_ERR "\n");
        if (!(e & PTE_P) || (level < 4 && level > 1 && (e & PTE_PSE)))
            return;
    }
}

static void show_guest_stack(vaddr_t sp)
{
    uint64_t w[WORDS_PER_LINE];

    printk(XENLOG_ERR "Guest stack from %016lx:\n", (unsigned long)sp);
    for (unsigned i = 0; i < STACK_WORDS; i += WORDS_PER_LINE) {
        if (copy_from_guest_va(w, sp + i * sizeof(w[0]), sizeof(w))) {
            printk(XENLOG_ERR "  (not readable)\n");
            return;
        }
        printk(XENLOG_ERR "  %016lx %016lx %016lx %016lx\n",
               (unsigned long)w[0], (unsigned long)w[1], (unsigned long)w[2],
               (unsigned long)w[3]);
    }
}

void domain_show_current(void)
{
    const struct cpu_user_regs *regs = guest_regs();
    struct vcpu *v = current;
    uint64_t cr2 = read_cr2();

    printk(XENLOG_ERR "d%uv%u in guest %s mode, cr2 %#lx:\n",
           v->domain->domain_id, v->vcpu_id,
           v->pv.in_kernel ? "kernel" : "user", (unsigned long)cr2);
    show_registers(regs);
    if (regs->entry_vector == ENTRY_SYSCALL)
        printk(XENLOG_ERR "(a hypercall: rbx, rbp, r12 to r15 may be stale)\n");
    show_walk(v, cr2);
    show_guest_stack(regs->rsp);
}

void domain_describe_current(void)
{
    const struct vcpu *v = current;

    if (!v)
        printk(XENLOG_ERR "No vCPU ran\n");
    else if (idle_vcpu(v))
        printk(XENLOG_ERR "CPU %u was idle\n", smp_cpu_id());
    else
        printk(XENLOG_ERR "d%uv%u ran, guest rip %#lx\n", v->domain->domain_id,
               v->vcpu_id, (unsigned long)guest_regs()->rip);
}
