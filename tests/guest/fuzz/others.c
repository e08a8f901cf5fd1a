/* Events, vCPUs, scheduling, traps, descriptors, devices, all else. */
#include "fuzz.h"
#include <xen/nmi.h>
#include <xen/platform.h>

/* EVTCHNOP_reset_cont, which the headers show to the hypervisor alone. */
#define RESET_CONTINUED 14

/* ---- events ---- */

static void got_port(const struct call *c, long ret)
{
    uint32_t w[8];

    if (!ret && peek(w, c->a[1], sizeof(w)))
        note_port(w[c->first]);
}

static void make_event(struct fuzz *z, struct call *c)
{
    uint32_t w[8];

    for (unsigned i = 0; i < ARRAY_SIZE(w); i++)
        w[i] = any_port(z);
    c->op = __HYPERVISOR_event_channel_op;
    c->a[0] = below(z, RESET_CONTINUED + 2);
    switch (c->a[0]) {
    case EVTCHNOP_bind_interdomain:
    case EVTCHNOP_status:
        w[0] = any_domid(z);
        c->first = 2;
        break;
    case EVTCHNOP_bind_virq:
        w[0] = below(z, NR_VIRQS + 1);
        /* fall through */
    case EVTCHNOP_bind_vcpu:
        w[1] = any_vcpu(z);
        c->first = 2;
        break;
    case EVTCHNOP_alloc_unbound:
        w[0] = any_domid(z) | any_domid(z) << 16;
        c->first = 1;
        break;
    case EVTCHNOP_bind_ipi:
        w[0] = any_vcpu(z);
        c->first = 1;
        break;
    case EVTCHNOP_reset:
    case RESET_CONTINUED:
        w[0] = chance(z, 8) ? DOMID_SELF : any_domid(z);
        break;
    case EVTCHNOP_init_control:
        ((uint64_t *)w)[0] = any_mfn(z);
        w[2] = chance(z, 4) ? (uint32_t)any_number(z) : below(z, 512) * 8;
        w[3] = any_vcpu(z);
        break;
    case EVTCHNOP_expand_array:
        ((uint64_t *)w)[0] = any_mfn(z);
        break;
    case EVTCHNOP_set_priority:
        w[1] = below(z, 18);
        break;
    }
    c->a[1] = c->a[0] == EVTCHNOP_init_control ? put(z, w, sizeof(w))
                                               : put_racy(z, w, sizeof(w));
    if (c->first)
        c->then = got_port;
}

/* ---- scheduling ---- */

/*
 * Arguments that would end the run or wait for ever if a stray answer changed
 * them are kept outside of the arenas.
 */
static unsigned long put_aside(struct fuzz *z, const void *data, size_t n)
{
    static uint64_t slots[RACERS][16][4];
    static unsigned next[RACERS];
    void *at = slots[z->id][next[z->id]++ % 16];

    if (chance(z, WEIRD))
        return 1UL << 47; /* zeros may stand elsewhere: this domain's id */
    memcpy(at, data, n);
    return (unsigned long)at;
}

static void make_poll(struct fuzz *z, struct call *c)
{
    struct sched_poll p;
    uint32_t list[8];

    for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
        list[i] = any_port(z);
    set_xen_guest_handle(p.ports, (evtchn_port_t *)put(z, list, sizeof(list)));
    p.nr_ports = chance(z, WEIRD) ? (unsigned)any_number(z) : below(z, 9);
    p.timeout = 1 + (chance(z, 2) ? 0 : time_now() + below(z, 200000));
    c->a[0] = SCHEDOP_poll;
    c->a[1] = put_aside(z, &p, sizeof(p));
}

static void make_sched(struct fuzz *z, struct call *c)
{
    uint32_t w[4] = {0, 0, 0, 0};

    c->op = __HYPERVISOR_sched_op;
    switch (below(z, 8)) {
    case 0:
        c->op = __HYPERVISOR_sched_op_compat;
        c->a[0] = chance(z, 2) ? SCHEDOP_yield : 3 + below(z, 9);
        return;
    case 1: /* no wait: something is pending */
        c->a[0] = SCHEDOP_block;
        c->alone = true;
        return;
    case 2:
        w[0] = below(z, 8);
        w[1] = 100000 + below(z, 1000);
        c->a[0] = SCHEDOP_watchdog;
        break;
    case 3:
        w[0] = 1 + below(z, 8); /* another domain */
        c->a[0] = SCHEDOP_remote_shutdown;
        break;
    case 4:
        c->a[0] = chance(z, 2) ? SCHEDOP_shutdown_code : SCHEDOP_pin_override;
        w[0] = c->a[0] == SCHEDOP_pin_override ? (uint32_t)any_number(z)
                                               : SHUTDOWN_reboot;
        break;
    case 5:
        c->a[0] = 8 + any_number(z) % 1000;
        break;
    default:
        make_poll(z, c);
        return;
    }
    c->a[1] = put_aside(z, w, sizeof(w));
}

static void make_timer(struct fuzz *z, struct call *c)
{
    c->op = __HYPERVISOR_set_timer_op;
    c->a[0] = chance(z, 2) ? time_now() + below(z, 1000000) : any_number(z);
}

/* ---- vCPUs ---- */

static struct vcpu_guest_context context[2]; /* of vCPUs 2 and 3 */

/* Where a fuzzed vCPU begins: it goes down again. */
static void spare_vcpu(void)
{
    for (;;)
        for (unsigned i = 2; i < 4; i++)
            vcpu_op(VCPUOP_down, i, NULL);
}

void others_init(void)
{
    for (unsigned i = 0; i < 2; i++)
        context[i] = *vcpu_context(spare_vcpu);
}

static unsigned long any_context(struct fuzz *z, unsigned id)
{
    struct vcpu_guest_context *v;
    char *at;

    if (chance(z, 8))
        return bad_pointer(z);
    at = (char *)put_safe(z, &context[id % 2], sizeof(context[0]));
    v = (void *)at;
    switch (below(z, 8)) {
    case 0:
        v->ctrlreg[3] = xen_pfn_to_cr3(any_mfn(z));
        break;
    case 1:
        v->gdt_ents = (unsigned)any_number(z) % 9000;
        v->gdt_frames[below(z, 16)] = any_mfn(z);
        break;
    case 2:
        v->ldt_base = any_va(z);
        v->ldt_ents = (unsigned)any_number(z);
        break;
    case 3:
        v->debugreg[below(z, 4)] = any_va(z);
        v->debugreg[7] = any_number(z);
        break;
    case 4:
        v->fs_base = any_number(z);
        v->gs_base_kernel = any_number(z);
        v->gs_base_user = any_number(z);
        break;
    case 5:
        for (unsigned i = 0; i < 64; i++)
            ((uint64_t *)&v->fpu_ctxt)[i] = any_word(z);
        break;
    case 6:
        v->user_regs.rflags = rnd(z) & ~0x300UL;
        break;
    }
    if (v->ctrlreg[3] != context[0].ctrlreg[3])
        v->ctrlreg[3] = chance(z, 2) ? any_number(z) << 50 | 1
                                     : xen_pfn_to_cr3(alt_l4);
    return (unsigned long)at;
}

static void make_vcpu_op(struct fuzz *z, struct call *c)
{
    uint64_t w[8]; /* room for what comes back, too */
    unsigned id = any_vcpu(z), cmd = below(z, 15);

    c->op = __HYPERVISOR_vcpu_op;
    if (cmd <= VCPUOP_down || cmd == VCPUOP_register_vcpu_info)
        while (id < RACERS)
            id = any_vcpu(z);
    c->a[0] = cmd;
    c->a[1] = id;
    for (unsigned i = 0; i < ARRAY_SIZE(w); i++)
        w[i] = any_word(z);
    switch (cmd) {
    case VCPUOP_initialise:
        c->a[2] = any_context(z, id);
        c->alone = true;
        return;
    case VCPUOP_register_runstate_memory_area:
    case VCPUOP_register_vcpu_time_memory_area:
        w[0] = room(z, 64);
        break;
    case VCPUOP_set_periodic_timer:
        w[0] = chance(z, 4) ? any_number(z) : 1000000 + below(z, 1000000);
        break;
    case VCPUOP_set_singleshot_timer:
        w[0] = time_now() + below(z, 1000000);
        w[1] = below(z, 4);
        break;
    case VCPUOP_register_vcpu_info:
        w[0] = any_mfn(z);
        w[1] = chance(z, 4) ? any_number(z) : below(z, 63) * 64;
        break;
    case VCPUOP_send_nmi:
        c->alone = true;
        break;
    }
    c->a[2] = put(z, w, sizeof(w));
}

/* ---- traps, callbacks, registers, descriptors ---- */

void restore_traps(void)
{
    hypercall1(__HYPERVISOR_set_trap_table, trap_gates);
    (void)set_callbacks(event_callback, failsafe_callback, syscall_callback);
}

bool fuzz_trap(struct trap_frame *f)
{
    switch (f->vector) {
    case VECTOR_EVENT:
    case VECTOR_FAILSAFE: /* a selector's descriptor is gone: it is 0 now */
        f->rflags &= ~0x200UL; /* goes on with events masked */
        return true;
    case 1:
        hypercall2(__HYPERVISOR_set_debugreg, 7, 0);
        return true;
    case 2:
        return true;
    case 13:
    case 14:
        if (f->rip != (unsigned long)fuzz_copy_insn)
            return false;
        f->rip = (unsigned long)fuzz_copy_done;
        return true;
    default:
        return false;
    }
}

static void make_traps(struct fuzz *z, struct call *c)
{
    static const uint8_t vectors[] = {0, 4, 5, 6, 9, 15, 20, 32, 128, 255};
    struct trap_info t[5];
    unsigned n = below(z, 5);

    memset(t, 0, sizeof(t));
    for (unsigned i = 0; i < n; i++) {
        t[i].vector = vectors[below(z, ARRAY_SIZE(vectors))];
        t[i].flags = (uint8_t)rnd(z);
        t[i].cs = (uint16_t)rnd(z);
        t[i].address = any_number(z) | 1;
    }
    c->op = __HYPERVISOR_set_trap_table;
    c->a[0] = chance(z, WEIRD) ? bad_pointer(z) : put_safe(z, t, sizeof(t));
    c->restore = true;
}

/*
 * An event may come before the callback is set right again: only the system
 * call's, which nothing here uses, is set to anything.
 */
static void make_callback(struct fuzz *z, struct call *c)
{
    struct callback_register r = {
        .type = (uint16_t)below(z, 10),
        .flags = (uint16_t)below(z, 4),
        .address = chance(z, 2) ? any_number(z) : any_va(z),
    };

    c->restore = true;
    if (chance(z, 2)) {
        c->op = __HYPERVISOR_set_callbacks;
        c->a[0] = (unsigned long)event_callback;
        c->a[1] = (unsigned long)failsafe_callback;
        c->a[2] = any_number(z);
        return;
    }
    if (r.type == CALLBACKTYPE_nmi)
        r.address = (unsigned long)trap_2;
    else if (r.type == CALLBACKTYPE_event)
        r.address = (unsigned long)event_callback;
    else if (r.type == CALLBACKTYPE_failsafe)
        r.address = (unsigned long)failsafe_callback;
    c->op = __HYPERVISOR_callback_op;
    c->a[0] = below(z, 3);
    c->a[1] = chance(z, WEIRD) ? 1UL << 47 : put_safe(z, &r, sizeof(r));
}

static void make_nmi_op(struct fuzz *z, struct call *c)
{
    struct xennmi_callback n = {.handler_address = (unsigned long)trap_2};

    c->op = __HYPERVISOR_nmi_op;
    c->a[0] = below(z, 3);
    c->a[1] = chance(z, 4) ? bad_pointer(z) : put_safe(z, &n, sizeof(n));
    c->restore = true;
}

static void make_register(struct fuzz *z, struct call *c)
{
    switch (below(z, 7)) {
    case 0:
        c->op = __HYPERVISOR_stack_switch;
        c->a[0] = chance(z, 2) ? FLAT_KERNEL_SS : any_number(z);
        c->a[1] = any_va(z);
        break;
    case 1:
        c->op = __HYPERVISOR_fpu_taskswitch;
        c->a[0] = below(z, 3);
        break;
    case 2:
        c->op = __HYPERVISOR_set_segment_base;
        c->a[0] = below(z, 5);
        c->a[1] = any_word(z);
        break;
    case 3:
    case 4:
        c->op = __HYPERVISOR_set_debugreg;
        c->a[0] = below(z, 9);
        c->a[1] = c->a[0] < 4 ? any_va(z) : any_number(z);
        break;
    case 5:
        c->op = __HYPERVISOR_get_debugreg;
        c->a[0] = any_number(z);
        break;
    default:
        c->op = __HYPERVISOR_vm_assist;
        c->a[0] = below(z, 3);
        c->a[1] = chance(z, 4) ? any_number(z) : below(z, 8);
    }
}

static void make_descriptor(struct fuzz *z, struct call *c)
{
    unsigned long frames[16];

    if (chance(z, 2)) {
        c->op = __HYPERVISOR_update_descriptor;
        c->a[0] = any_entry_maddr(z);
        c->a[1] = chance(z, 2) ? any_number(z)
                               : 0x00cf9200000000ffUL ^ 1UL << below(z, 64);
        return;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        frames[i] = any_mfn(z);
    c->op = __HYPERVISOR_set_gdt;
    c->a[0] = put_racy(z, frames, sizeof(frames));
    c->a[1] = chance(z, WEIRD) ? any_number(z) : below(z, 2049);
}

/* ---- the machine ---- */

static void make_physdev(struct fuzz *z, struct call *c)
{
    static const uint8_t cmds[] = {5,  6,  7,  8,  10, 11, 12, 13, 14, 15,
                                   16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                                   26, 27, 28, 30, 31, 32, 99};
    uint32_t w[16];

    for (unsigned i = 0; i < ARRAY_SIZE(w); i++)
        w[i] = chance(z, 4) ? (uint32_t)any_word(z) : below(z, 64);
    c->op = __HYPERVISOR_physdev_op;
    c->a[0] = cmds[below(z, ARRAY_SIZE(cmds))];
    if (c->a[0] == PHYSDEVOP_pirq_eoi_gmfn_v1 ||
        c->a[0] == PHYSDEVOP_pirq_eoi_gmfn_v2)
        ((uint64_t *)w)[0] = any_mfn(z);
    else if (c->a[0] == PHYSDEVOP_map_pirq)
        w[0] = any_domid(z);
    c->a[1] = put_racy(z, w, sizeof(w));
}

static void make_platform(struct fuzz *z, struct call *c)
{
    static const uint8_t cmds[] = {
        XENPF_settime32,    XENPF_settime64,    XENPF_firmware_info,
        XENPF_getidletime,  XENPF_get_cpuinfo,  XENPF_get_cpu_version,
        XENPF_read_memtype, XENPF_get_symbol,   XENPF_set_processor_pminfo,
        34,                 XENPF_resource_op,  99,
    };
    struct xen_platform_op op;
    uint64_t *w = (void *)&op;

    for (unsigned i = 0; i < sizeof(op) / 8; i++)
        w[i] = chance(z, 2) ? any_word(z) : below(z, 8);
    op.cmd = cmds[below(z, ARRAY_SIZE(cmds))];
    op.interface_version =
        chance(z, WEIRD) ? (uint32_t)rnd(z) : XENPF_INTERFACE_VERSION;
    c->op = __HYPERVISOR_platform_op;
    c->a[0] = put(z, &op, sizeof(op));
}

static void make_console(struct fuzz *z, struct call *c)
{
    static const char text[] = "";

    c->op = __HYPERVISOR_console_io;
    c->a[0] = below(z, 3);
    if (c->a[0] == CONSOLEIO_write) {
        c->a[1] = chance(z, 2) ? 0 : any_number(z);
        c->a[2] = c->a[1] ? 0x800000000000UL : put_safe(z, text, 1);
    } else {
        c->a[1] = any_number(z);
        c->a[2] = room(z, 64);
    }
}

static void make_version(struct fuzz *z, struct call *c)
{
    uint64_t w[128]; /* as long as the longest answer: nothing else is hit */

    memset(w, 0, sizeof(w));
    for (unsigned i = 0; i < 4; i++)
        w[i] = any_number(z);
    c->op = __HYPERVISOR_xen_version;
    c->a[0] = chance(z, WEIRD) ? any_number(z) : below(z, 12);
    c->a[1] = put_racy(z, w, sizeof(w));
}

/* Any number, unless a call at random would be the end. */
static void make_unknown(struct fuzz *z, struct call *c)
{
    static const uint64_t refused =
        1UL << __HYPERVISOR_set_trap_table | 1UL << __HYPERVISOR_mmu_update |
        1UL << __HYPERVISOR_set_callbacks |
        1UL << __HYPERVISOR_sched_op_compat | 1UL << __HYPERVISOR_platform_op |
        1UL << __HYPERVISOR_memory_op | 1UL << __HYPERVISOR_multicall |
        1UL << __HYPERVISOR_console_io | 1UL << __HYPERVISOR_iret |
        1UL << __HYPERVISOR_vcpu_op | 1UL << __HYPERVISOR_mmuext_op |
        1UL << __HYPERVISOR_sched_op | 1UL << __HYPERVISOR_callback_op |
        1UL << __HYPERVISOR_nmi_op | 1UL << __HYPERVISOR_physdev_op |
        1UL << __HYPERVISOR_update_va_mapping |
        1UL << __HYPERVISOR_update_va_mapping_otherdomain |
        1UL << __HYPERVISOR_grant_table_op | 1UL << __HYPERVISOR_sysctl |
        1UL << __HYPERVISOR_domctl | 1UL << __HYPERVISOR_hvm_op |
        1UL << __HYPERVISOR_event_channel_op_compat |
        1UL << __HYPERVISOR_physdev_op_compat;
    uint64_t w[8];

    do
        c->op = below(z, 64);
    while (refused >> c->op & 1);
    for (unsigned i = 0; i < ARRAY_SIZE(w); i++)
        w[i] = any_word(z);
    for (unsigned i = 0; i < 5; i++)
        c->a[i] = chance(z, 2) ? any_word(z) : put_racy(z, w, sizeof(w));
}

const struct maker other_makers[] = {
    {make_event, 10},     {make_sched, 2},    {make_timer, 1},
    {make_vcpu_op, 4},    {make_traps, 1},    {make_callback, 1},
    {make_nmi_op, 1},     {make_register, 3}, {make_descriptor, 3},
    {make_physdev, 2},    {make_platform, 1}, {make_console, 1},
    {make_version, 1},    {make_unknown, 2},  {make_domctl, 6},
    {make_sysctl, 1},     {make_hvm_op, 1},   {NULL, 0},
};
