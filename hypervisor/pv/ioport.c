/*
 * I/O ports of a guest. Every IN and OUT of a guest faults (IOPL 0, no I/O
 * bitmap in the TSS) and is done here on its behalf, when
 *  - the code may: it has I/O privilege, or the bitmap that the guest kernel
 *    registered allows the port; and
 *  - the domain may: the port is in its ioport_caps.
 * A port that the code may use but the domain may not reads as all ones and
 * ignores writes, as an empty bus does.
 */
#include "pv/ioport.h"

#include "arch/x86/cpu.h"
#include "arch/x86/insn.h"
#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "lib/rangeset.h"
#include "pv/pv.h"

/* Elements of a repeated string instruction done before giving way. */
#define STRING_IO_BATCH 512

/*
 * Two bytes of the bitmap that the guest kernel registered, the second only if
 * needed; all ones where it cannot be read. It is the kernel's memory: user
 * code's tables do not map it.
 */
static uint16_t read_iobmp(struct vcpu *v, uint16_t port, bool two)
{
    uint8_t map[2] = {0xff, 0xff};
    bool user = !v->pv.in_kernel;

    if (user)
        pv_enter_kernel(v);
    if (copy_from_guest_va(map, v->pv.iobmp + port / 8, two ? 2 : 1))
        map[0] = map[1] = 0xff;
    if (user) {
        pv_enter_user(v);
        pv_see_user_tables(v);
    }
    return (uint16_t)(map[0] | map[1] << 8);
}

bool pv_iopl_ok(const struct vcpu *v)
{
    unsigned ring = 3;

    if (v->pv.in_kernel)
        ring = !((v->domain->vm_assist >> VMASST_TYPE_architectural_iopl) & 1);
    return v->pv.iopl >= ring;
}

static bool code_may(struct vcpu *v, uint16_t port, unsigned bytes)
{
    uint16_t bits;

    if (pv_iopl_ok(v))
        return true;
    if (!v->pv.iobmp || (unsigned)port + bytes > v->pv.iobmp_ports)
        return false;
    bits = read_iobmp(v, port, (port & 7) + bytes > 8) >> (port & 7);
    return !(bits & ((1u << bytes) - 1));
}

static bool is_pci_conf(const struct vcpu *v, uint16_t port)
{
    return v->domain->is_hardware && (port & ~7u) == 0xcf8;
}

static uint32_t port_read(struct vcpu *v, uint16_t port, unsigned bytes)
{
    if (is_pci_conf(v, port))
        return pci_conf_guest_read(port, bytes);
    if (!rangeset_contains(v->domain->ioport_caps, port, port + bytes - 1u))
        return 0xffffffffu >> (32 - 8 * bytes);
    switch (bytes) {
    case 1:
        return inb(port);
    case 2:
        return inw(port);
    default:
        return inl(port);
    }
}

static void port_write(struct vcpu *v, uint16_t port, unsigned bytes,
                       uint32_t val)
{
    if (is_pci_conf(v, port)) {
        pci_conf_guest_write(port, bytes, val);
        return;
    }
    if (!rangeset_contains(v->domain->ioport_caps, port, port + bytes - 1u))
        return;
    switch (bytes) {
    case 1:
        outb((uint8_t)val, port);
        break;
    case 2:
        outw((uint16_t)val, port);
        break;
    default:
        outl(val, port);
        break;
    }
}

static vaddr_t segment_base(const struct vcpu *v, const struct insn *in)
{
    (void)v;
    if (in->seg == SEG_FS)
        return rdmsr(MSR_FS_BASE);
    if (in->seg == SEG_GS)
        return rdmsr(MSR_GS_BASE);
    return 0;
}

/* Adds to a register as the instruction's address size says. */
static void advance(uint64_t *reg, unsigned addr_size, int64_t by)
{
    if (addr_size == 8)
        *reg += (uint64_t)by;
    else if (addr_size == 4)
        *reg = (uint32_t)(*reg + (uint64_t)by);
    else
        *(uint16_t *)reg = (uint16_t)(*reg + (uint64_t)by);
}

static uint64_t masked(uint64_t v, unsigned addr_size)
{
    return addr_size == 8 ? v : addr_size == 4 ? (uint32_t)v : (uint16_t)v;
}

/*
 * Copies an element from or to guest memory, page by page so that the guest
 * hears of the page that is missing. False: fault injected.
 */
static bool copy_element(bool to_guest, vaddr_t va, void *val, unsigned bytes)
{
    unsigned here = (unsigned)min((uint64_t)bytes, PAGE_SIZE - PAGE_OFFSET(va));

    if (to_guest ? copy_to_guest_va(va, val, here)
                 : copy_from_guest_va(val, va, here)) {
        pv_inject_page_fault(va, to_guest ? PFEC_WRITE : 0);
        return false;
    }
    return here == bytes ||
           copy_element(to_guest, va + here, (char *)val + here, bytes - here);
}

/* One element. False: guest memory fault, injected; rip stays. */
static bool string_io_one(struct vcpu *v, struct cpu_user_regs *regs,
                          const struct insn *in, bool is_in, unsigned bytes)
{
    uint64_t *reg = is_in ? &regs->rdi : &regs->rsi;
    vaddr_t va = masked(*reg, in->addr_size) + (is_in ? 0 : segment_base(v, in));
    uint32_t val = 0;

    if (is_in) {
        val = port_read(v, regs->dx, bytes);
        if (!copy_element(true, va, &val, bytes))
            return false;
    } else {
        if (!copy_element(false, va, &val, bytes))
            return false;
        port_write(v, regs->dx, bytes, val);
    }
    advance(reg, in->addr_size,
            regs->rflags & X86_EFLAGS_DF ? -(int64_t)bytes : (int64_t)bytes);
    return true;
}

/*
 * INS/OUTS. A repeated one does a batch and leaves rip where it is if
 * elements remain, so that the guest comes back after interrupts; when single
 * stepped, a batch is one element.
 */
static bool string_io(struct vcpu *v, struct cpu_user_regs *regs,
                      const struct insn *in)
{
    bool is_in = in->opcode == 0x6c || in->opcode == 0x6d;
    bool rep = in->rep || in->repne;
    unsigned bytes = in->opcode & 1 ? min((unsigned)in->op_size, 4u) : 1;

    unsigned batch = regs->rflags & X86_EFLAGS_TF ? 1 : STRING_IO_BATCH;

    for (unsigned n = 0; n < batch; n++) {
        if (rep && !masked(regs->rcx, in->addr_size))
            break;
        if (!string_io_one(v, regs, in, is_in, bytes))
            return true;
        if (!rep)
            break;
        advance(&regs->rcx, in->addr_size, -1);
    }
    if (!rep || !masked(regs->rcx, in->addr_size))
        regs->rip += in->length;
    return true;
}

static void simple_io(struct vcpu *v, struct cpu_user_regs *regs,
                      const struct insn *in)
{
    bool by_dx = in->opcode & 8, is_out = in->opcode & 2;
    unsigned bytes = in->opcode & 1 ? min((unsigned)in->op_size, 4u) : 1;
    uint16_t port = by_dx ? regs->dx : (uint8_t)in->imm;
    uint32_t val;

    if (is_out) {
        port_write(v, port, bytes, regs->eax);
    } else {
        val = port_read(v, port, bytes);
        if (bytes == 4)
            regs->rax = val;
        else if (bytes == 2)
            regs->ax = (uint16_t)val;
        else
            regs->al = (uint8_t)val;
    }
    regs->rip += in->length;
}

bool pv_emulate_io(struct cpu_user_regs *regs, const struct insn *in)
{
    struct vcpu *v = current;
    bool string = in->opcode >= 0x6c && in->opcode <= 0x6f;
    bool by_dx = string || (in->opcode & 8);
    unsigned bytes = in->opcode & 1 ? min((unsigned)in->op_size, 4u) : 1;
    uint16_t port = by_dx ? regs->dx : (uint8_t)in->imm;

    if (!code_may(v, port, bytes))
        return false;
    if (string)
        return string_io(v, regs, in);
    simple_io(v, regs, in);
    return true;
}
