/*
 * Emulation of writes to page-table entries.
 *
 * A guest maps its page tables read-only and is to edit them by hypercall, but
 * it may also just write: that faults, and the instruction is carried out here
 * with the page-type engine in place of the memory write. Kernels do so for
 * single entries, with moves, exchanges and locked bit operations.
 *
 * The instruction is decoded from one copy of its bytes. The entry is looked
 * up afresh under the pt_lock, its old value read, the new one computed, and
 * the change made on condition that the entry still is as it was read (the CPU
 * may set accessed and dirty bits at any time). If it is not, nothing has
 * happened and the guest executes the instruction again.
 *
 * The forms in which kernels write most entries, a whole entry through a base
 * register, are taken apart here and carried out at once: about half of the
 * general way, which decodes everything.
 *
 * Not emulated, so that the guest gets its page fault: string instructions,
 * operands that cross an entry, 16-byte exchanges, arithmetic with carry.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/insn.h"
#include "arch/x86/map.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "mm/guest_walk.h"
#include "mm/mmu.h"
#include "mm/page_type.h"
#include "pv/pv.h"
#include "pv/rmw.h"

/* Only FS and GS have one in 64-bit mode. */
static vaddr_t segment_base(const struct insn *in)
{
    if (in->seg == SEG_FS)
        return rdmsr(MSR_FS_BASE);
    if (in->seg == SEG_GS)
        return rdmsr(MSR_GS_BASE);
    return 0;
}

/* ---- the entry ---- */

/* The validated table of the domain that va is mapped to. pt_lock held. */
static bool find_table(const struct vcpu *v, vaddr_t va, mfn_t *table)
{
    struct guest_l1 walk;
    struct frame *f;
    uint64_t type;
    pte_t e;

    if (!guest_walk_l1(v, va, &walk))
        return false;
    e = guest_l1_read(&walk);
    *table = pte_mfn(e);
    if (!(e & PTE_P) || (e & PTE_RW) || table->m >= max_mfn)
        return false;
    f = frame_of(*table);
    type = __atomic_load_n(&f->type, __ATOMIC_RELAXED);
    return frame_owner_id(f) == v->domain->domain_id && pgt_level(type) &&
           (type & PGT_VALIDATED) && (type & PGT_COUNT_MASK);
}

static int apply(struct vcpu *v, mfn_t table, unsigned index, pte_t old,
                 pte_t new, bool blind)
{
    struct domain *d = v->domain;
    mfn_t deferred = INVALID_MFN;
    int rc;

    if (page_type(frame_of(table)) == PGT_L1 && !blind)
        return pt_update_l1_if(table, index, old, new, d, d, 0);
    rc = pt_update_entry(table, index, new, d, d, 0, &deferred);
    if (!mfn_is_invalid(deferred))
        mm_defer_table(v, deferred);
    return rc;
}

/* pt_lock held. 0 done; -EAGAIN, -ERESTART_PREEMPT execute again. */
static int emulate(struct vcpu *v, struct cpu_user_regs *regs, vaddr_t va,
                   struct rmw *w)
{
    unsigned shift = 8 * (va & 7), index = PAGE_OFFSET(va) / sizeof(pte_t);
    uint64_t mask = (~0UL >> (64 - 8 * w->size)) << shift;
    mfn_t table;
    pte_t *entries, old;
    int rc = 0;

    if (!find_table(v, va, &table))
        return -EINVAL;
    entries = map_frame(table);
    old = READ_ONCE(entries[index]);
    unmap_frame(entries);
    w->old = (old & mask) >> shift;
    rmw_compute(w, regs);
    if (w->writes)
        rc = apply(v, table, index, old, (old & ~mask) | (w->new << shift),
                   w->action == OP_MOV && w->size == 8);
    if (!rc)
        rmw_finish(w, regs);
    return rc;
}

/* ---- the common forms ---- */

#define NOT_OURS 1   /* the address is no entry of a table of the guest */
#define NOT_COMMON 2 /* ... it is, but the instruction is for the decoder */
#define COMMON_BYTES 16

struct common {
    unsigned length;  /* of the instruction */
    uint64_t new;     /* what it writes, 8 bytes */
    uint64_t *loads;  /* register that gets what was there, or NULL */
};

/*
 * REX.W 89 /r (mov), 87 /r (xchg), c7 /0 (mov of an immediate), with a base
 * register and none or 8 bits of displacement. False: another instruction, or
 * one that does not write the entry at addr.
 */
static bool common_form(struct common *c, const uint8_t *b,
                        struct cpu_user_regs *regs, vaddr_t addr)
{
    unsigned rex = b[0], mod = b[2] >> 6, rm = b[2] & 7, reg = (b[2] >> 3) & 7;
    vaddr_t va;

    if ((rex & 0xf8) != 0x48 || mod > 1 || rm == 4 || (mod == 0 && rm == 5))
        return false;
    va = *insn_reg64(regs, rm + ((rex & 1) << 3));
    if (mod)
        va += (uint64_t)(int8_t)b[3];
    if (va != addr || (addr & 7))
        return false;
    c->length = 3 + mod;
    c->loads = NULL;
    if (b[1] == 0x89 || b[1] == 0x87) {
        uint64_t *r = insn_reg64(regs, reg + ((rex & 4) << 1));
        c->new = *r;
        c->loads = b[1] == 0x87 ? r : NULL;
        return true;
    }
    if (b[1] != 0xc7 || reg)
        return false;
    c->new = (uint64_t)*(const int32_t *)(b + c->length);
    c->length += 4;
    return true;
}

/* pt_lock held. As emulate, or NOT_OURS, NOT_COMMON. */
static int emulate_common(struct vcpu *v, struct cpu_user_regs *regs,
                          vaddr_t va)
{
    unsigned index = PAGE_OFFSET(va) / sizeof(pte_t);
    uint8_t bytes[COMMON_BYTES] __aligned(8);
    struct common c;
    mfn_t table;
    pte_t *entries, old;
    int rc;

    if (!find_table(v, va, &table))
        return NOT_OURS;
    if (regs->cs != FLAT_RING3_CS64 ||
        copy_from_guest_va(bytes, regs->rip, sizeof(bytes)) ||
        !common_form(&c, bytes, regs, va))
        return NOT_COMMON;
    entries = map_frame(table);
    old = READ_ONCE(entries[index]);
    unmap_frame(entries);
    rc = apply(v, table, index, old, c.new, !c.loads);
    if (rc)
        return rc;
    if (c.loads)
        *c.loads = old;
    regs->rflags &= ~X86_EFLAGS_RF;
    regs->rip += c.length;
    return 0;
}

/* ---- */

/* Any instruction that pv/rmw.h knows. pt_lock not held. */
static int emulate_any(struct vcpu *v, struct cpu_user_regs *regs, vaddr_t addr)
{
    struct rmw w;
    int rc;

    if (!pv_fetch_insn(regs, &w.in) || !rmw_classify(&w, regs) ||
        rmw_address(&w, regs, segment_base(&w.in)) != addr ||
        (addr & 7) + w.size > 8)
        return -EINVAL;
    spin_lock(&v->domain->pt_lock);
    rc = emulate(v, regs, addr, &w);
    spin_unlock(&v->domain->pt_lock);
    return rc;
}

bool pv_emulate_pte_write(struct cpu_user_regs *regs, vaddr_t addr)
{
    const uint32_t want = PFEC_PRESENT | PFEC_WRITE | PFEC_USER;
    struct vcpu *v = current;
    int rc;

    if ((regs->error_code & (want | PFEC_RSVD | PFEC_FETCH)) != want ||
        !v->pv.in_kernel)
        return false;
    if (mm_old_table_pending(v) && mm_finish_old_table(v))
        return true; /* the rest first; then the instruction faults again */

    /* Most write faults are the guest's own business: find out cheaply. */
    spin_lock(&v->domain->pt_lock);
    rc = emulate_common(v, regs, addr);
    spin_unlock(&v->domain->pt_lock);
    if (rc == NOT_COMMON)
        rc = emulate_any(v, regs, addr);
    return rc == 0 || rc == -EAGAIN || rc == -ERESTART_PREEMPT;
}
