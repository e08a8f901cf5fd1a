/* Xen's PV ABI: what the operations are there. */
#include <ring.h>
#include <xen-guest.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/io/console.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

extern char hypercall_page[];
void xen_trap_exit(void); /* head.S */

#define TICK_NS 10000000UL

static struct start_info *start;
/* Other frames are mapped in their place. */
u8 xen_shared_page[PAGE_SIZE] __attribute__((aligned(4096)));
static u8 console_page[PAGE_SIZE] __attribute__((aligned(4096)));
#define shared ((volatile struct shared_info *)(void *)xen_shared_page)
static volatile struct xencons_interface *ring; /* null: a dom0's console_io */

static u64 calls[64], mmuext_calls[32];

static volatile struct vcpu_info *vcpu(void)
{
    return &shared->vcpu_info[this_cpu()];
}

u64 hypercalls_of(unsigned number) { return calls[number]; }
u64 mmuext_calls_of(unsigned command) { return mmuext_calls[command]; }

u64 hypercalls_made(void)
{
    u64 sum = 0;
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(calls); i++)
        sum += calls[i];
    return sum;
}

long hypercall(unsigned nr, u64 a1, u64 a2, u64 a3, u64 a4)
{
    register u64 r10 __asm__("r10") = a4;
    long ret;

    calls[nr]++;
    __asm__ __volatile__("call *%[entry]"
                         : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                         : [entry] "r"(hypercall_page + nr * 32UL)
                         : "memory", "rcx", "r8", "r9", "r11");
    return ret;
}

/* ---- interrupts ---- */

static void xen_irq_on(void)
{
    vcpu()->evtchn_upcall_mask = 0;
    __asm__ __volatile__("" ::: "memory");
    if (vcpu()->evtchn_upcall_pending)
        hypercall(__HYPERVISOR_xen_version, 0, 0, 0, 0); /* delivers */
}

static void xen_irq_off(void) { vcpu()->evtchn_upcall_mask = 1; }
static int xen_irq_state(void) { return !vcpu()->evtchn_upcall_mask; }

/* movb $1, %gs:1, as GS begins at the vcpu_info: its evtchn_upcall_mask. */
static const u8 code_off[] = {0x65, 0xc6, 0x04, 0x25, 1, 0, 0, 0, 1};
static const u8 code_entry[] = {0x59, 0x41, 0x5b}; /* pop rcx, r11 */
static const struct inline_code xen_inlined[] = {
    {offsetof(struct ops, irq_off), sizeof(code_off), code_off},
    {offsetof(struct ops, trap_entry), 3, code_entry},
    {0, 0, NULL},
};

static long set_syscall(void)
{
    struct callback_register r = {.type = CALLBACKTYPE_syscall,
                                  .flags = CALLBACKF_mask_events};

    r.address = (u64)syscall_stub;
    return hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, (u64)&r, 0,
                     0);
}

/* Flags: which mode may raise it (3: any), 4: comes with events off. */
static void xen_load_traps(void)
{
    static struct trap_info table[33];
    unsigned i, n = 0;

    for (i = 0; i < 32; i++) {
        if (i == 2 || i == 9 || i == 15)
            continue;
        table[n].vector = (u8)i;
        table[n].flags = (i == 3 || i == 4 ? 3 : 0) | 4;
        table[n].cs = FLAT_KERNEL_CS;
        table[n++].address = (u64)trap_stubs + i * 16UL;
    }
    if (hypercall(__HYPERVISOR_set_trap_table, (u64)table, 0, 0, 0) ||
        hypercall(__HYPERVISOR_set_callbacks, (u64)event_stub,
                  (u64)failsafe_stub, 0, 0) ||
        set_syscall())
        panic("the traps were refused");
}

static void xen_set_gs_base(u64 base)
{
    hypercall(__HYPERVISOR_set_segment_base, SEGBASE_GS_KERNEL, base, 0, 0);
}

static void xen_set_kernel_stack(u64 rsp)
{
    hypercall(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, rsp, 0, 0);
}

/* By the forced form, so that the hypervisor's filter applies. */
static void xen_cpuid(u32 leaf, u32 regs[4])
{
    __asm__ __volatile__(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
                         : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]),
                           "=d"(regs[3])
                         : "a"(leaf), "c"(0));
}

static u64 xen_fault_address(void) { return vcpu()->arch.cr2; }

/* ---- events and time ---- */

static unsigned timer_ports[MAX_CPUS];
/* A set bit: bound to another processor than 0, to be left to that. */
static u64 others_ports[64];

static u64 away_ns; /* subtracted: another machine's clock, or more */

/* The hypervisor's own time. */
static u64 system_time_ns(void)
{
    const volatile struct vcpu_time_info *t = &vcpu()->time;
    u64 delta, ns;
    u32 version;

    do {
        version = t->version & ~1U;
        delta = ops.cycles() - t->tsc_timestamp;
        if (t->tsc_shift < 0)
            delta >>= -t->tsc_shift;
        else
            delta <<= t->tsc_shift;
        ns = t->system_time +
             (u64)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
    } while (version != t->version);
    return ns;
}

static u64 xen_time_ns(void) { return system_time_ns() - away_ns; }

static u64 xen_wall_seconds(void)
{
    u64 seconds;
    u32 version;

    do {
        version = shared->wc_version & ~1U;
        seconds = shared->wc_sec;
    } while (version != shared->wc_version);
    return seconds + system_time_ns() / 1000000000;
}

static void next_tick(void)
{
    if (hypercall(__HYPERVISOR_set_timer_op, system_time_ns() + TICK_NS, 0, 0,
                  0))
        panic("the timer was refused");
}

static void handle_port(unsigned port)
{
    if (port == timer_ports[this_cpu()]) {
        next_tick();
        sched_tick();
        xen_park();
    } else {
        event_arrived(port);
    }
}

/* Those of a word that this processor sees to: processor 0 all but timers. */
static u64 own_ports(unsigned word)
{
    unsigned cpu = this_cpu(), port = timer_ports[cpu];

    if (!cpu)
        return ~others_ports[word];
    return port / 64 == word ? 1UL << port % 64 : 0;
}

/* All pending ports, word by word; what has no handler is only cleared. */
static void xen_interrupt(unsigned vector)
{
    volatile xen_ulong_t *pending = shared->evtchn_pending;
    u64 words, bits, own;

    if (vector != VECTOR_EVENT)
        return;
    while (vcpu()->evtchn_upcall_pending) {
        vcpu()->evtchn_upcall_pending = 0;
        words = __sync_lock_test_and_set(&vcpu()->evtchn_pending_sel, 0);
        for (; words; words &= words - 1) {
            unsigned w = (unsigned)__builtin_ctzl(words);

            own = own_ports(w) & ~shared->evtchn_mask[w];
            bits = __sync_fetch_and_and(&pending[w], ~own) & own;
            for (; bits; bits &= bits - 1)
                handle_port(w * 64 + (unsigned)__builtin_ctzl(bits));
        }
    }
}

static void xen_start_timer(void)
{
    unsigned cpu = this_cpu();
    struct evtchn_bind_virq b = {.virq = VIRQ_TIMER, .vcpu = cpu};

    if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (u64)&b,
                  0, 0))
        panic("no timer interrupt");
    timer_ports[cpu] = b.port;
    if (cpu)
        others_ports[b.port / 64] |= 1UL << b.port % 64;
    hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, cpu, 0, 0);
    event_unmask(b.port);
    next_tick();
}

static void xen_idle(void)
{
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0);
    xen_irq_on();
}

/* ---- memory ---- */

static u64 xen_pfn_to_mfn(u64 pfn)
{
    return ((const u64 *)start->mfn_list)[pfn];
}

u64 page_mfn(const void *page)
{
    return xen_pfn_to_mfn(((u64)page - VIRT_BASE) / PAGE_SIZE);
}

static const u64 *table_of(u64 mfn)
{
    return (const u64 *)(VIRT_BASE +
                         machine_to_phys_mapping[mfn] * PAGE_SIZE);
}

static int is_mapped(u64 va)
{
    const u64 *table = (const u64 *)start->pt_base;
    unsigned level;
    u64 entry;

    for (level = 4; level; level--) {
        entry = table[va >> (3 + 9 * level) & 511];
        if (!(entry & PTE_P))
            return 0;
        if (level > 1)
            table = table_of((entry & PTE_ADDR) >> 12);
    }
    return (entry & PTE_RW) != 0;
}

/* After the start-of-day structures, as far as the builder has mapped. */
static void xen_memory(struct memory_layout *m)
{
    u64 end = start->pt_base + (start->nr_pt_frames + 1) * PAGE_SIZE;
    u64 list_end = start->mfn_list + start->nr_pages * 8 + PAGE_SIZE - 1;

    if (start->mfn_list >= VIRT_BASE && list_end > end)
        end = list_end;
    m->first_pfn = m->end_pfn = (end - VIRT_BASE) / PAGE_SIZE;
    while (m->end_pfn < start->nr_pages &&
           is_mapped(VIRT_BASE + m->end_pfn * PAGE_SIZE))
        m->end_pfn++;
}

static int xen_set_pte(u64 va, u64 pte)
{
    return (int)hypercall(__HYPERVISOR_update_va_mapping, va, pte, 0, 0);
}

long mmuext(unsigned cmd, u64 arg1, const u64 *cpus)
{
    struct mmuext_op op = {.cmd = cmd};

    mmuext_calls[cmd]++;
    op.arg1.linear_addr = arg1;
    if (cpus)
        set_xen_guest_handle(op.arg2.vcpumask, (void *)(uintptr_t)cpus);
    return hypercall(__HYPERVISOR_mmuext_op, (u64)&op, 1, 0, DOMID_SELF);
}

static void flush(unsigned cmd, u64 va, const u64 *cpus)
{
    if (mmuext(cmd, va, cpus))
        panic("flush %u was refused", cmd);
}

static void xen_flush_page(u64 va) { flush(MMUEXT_INVLPG_LOCAL, va, NULL); }
static void xen_flush_tlb(void) { flush(MMUEXT_TLB_FLUSH_LOCAL, 0, NULL); }
static void xen_flush_tlb_many(u64 cpus)
{
    flush(MMUEXT_TLB_FLUSH_MULTI, 0, &cpus);
}

/* ---- console ---- */

static void notify_console(void)
{
    struct evtchn_send s;

    s.port = start->console.domU.evtchn;
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&s, 0, 0);
}

/*
 * Waits for room, but no more than a second: the rest is lost then. Indices
 * that cannot be stand for a ring without room, and for one without input.
 */
static void ring_write(const char *s, size_t n)
{
    u64 end = xen_time_ns() + 1000000000UL;

    while (n && xen_time_ns() < end) {
        u32 prod = ring->out_prod;

        if (bytes_to_write(prod, ring->out_cons, sizeof(ring->out)) > 0) {
            ring->out[prod % sizeof(ring->out)] = *s++;
            n--;
            __sync_synchronize();
            ring->out_prod = prod + 1;
        } else {
            notify_console();
            hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
        }
    }
    notify_console();
}

static void xen_console_write(const char *s, size_t n)
{
    if (ring)
        ring_write(s, n);
    else
        hypercall(__HYPERVISOR_console_io, 0, n, (u64)s, 0);
}

static int xen_console_read(void)
{
    u32 cons;
    char c;

    if (!ring)
        return hypercall(__HYPERVISOR_console_io, 1, 1, (u64)&c, 0) == 1
                   ? (u8)c : -1;
    cons = ring->in_cons;
    if (bytes_to_read(ring->in_prod, cons, sizeof(ring->in)) <= 0)
        return -1;
    c = ring->in[cons % sizeof(ring->in)];
    __sync_synchronize();
    ring->in_cons = cons + 1;
    notify_console();
    return (u8)c;
}

/* ---- start and end ---- */

/* What is destroyed takes its ring along: ten seconds for the reader. */
static void drain_console(void)
{
    u64 end = xen_time_ns() + 10000000000UL;

    while (ring && ring->out_cons != ring->out_prod && xen_time_ns() < end)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
}

static void xen_stop(enum stop why)
{
    static const u32 reasons[] = {SHUTDOWN_poweroff, SHUTDOWN_reboot,
                                  SHUTDOWN_crash};
    struct sched_shutdown s = {.reason = reasons[why]};

    drain_console();
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (u64)&s, 0, 0);
}

static const char *xen_command_line(void *boot)
{
    struct start_info *si = boot;

    si->cmd_line[sizeof(si->cmd_line) - 1] = 0;
    return (const char *)si->cmd_line;
}

const struct start_info *xen_start_info(void) { return start; }

int map_in_place(const void *page, u64 mfn)
{
    return (int)hypercall(__HYPERVISOR_update_va_mapping, (u64)page,
                          mfn << 12 | PTE_P | PTE_RW | PTE_AD, UVMF_INVLPG, 0);
}

/* For whoever saves our memory: where the list of our frames is. */
static void tell_frames(void)
{
    shared->arch.max_pfn = start->nr_pages;
    shared->arch.p2m_vaddr = start->mfn_list;
    shared->arch.p2m_cr3 = xen_pfn_to_cr3(page_mfn((void *)start->pt_base));
}

/* What start_info tells of, at the start and after a suspension. */
static void attach_pages(void)
{
    if (map_in_place(xen_shared_page, start->shared_info >> 12))
        xen_stop(STOP_CRASH);
    tell_frames();
    if (start->flags & SIF_INITDOMAIN)
        return;
    if (map_in_place(console_page, start->console.domU.mfn))
        xen_stop(STOP_CRASH);
    ring = (volatile struct xencons_interface *)(void *)console_page;
}

static void xen_init(void *boot)
{
    start = boot;
    attach_pages();
    xen_set_gs_base((u64)vcpu());
}

/* ---- suspension ---- */

static volatile int parking;
static volatile u64 parked;
static int elsewhere;

/* Elsewhere its timer is its own to set up. */
void xen_park(void)
{
    u64 me = 1UL << this_cpu();

    if (!parking || this_cpu() == 0)
        return;
    __sync_fetch_and_or(&parked, me);
    while (parking)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
    if (elsewhere)
        xen_start_timer();
    __sync_fetch_and_and(&parked, ~me);
}

static void park_others(void)
{
    parking = 1;
    while (parked != (cpus_online() & ~1UL))
        yield();
}

static void unpark_others(void)
{
    parking = 0;
    while (parked)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
}

/*
 * Whoever saves this domain finds the pages of xenstore and the console by
 * their number here, the list of frames by what was told, start_info by the
 * call's last argument; and maps of no frame that is not ours, so that in the
 * place of shared_info our own page is seen, which says that events are off.
 */
static long stand_still(void)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_suspend};
    long ret;

    start->store_mfn = machine_to_phys_mapping[start->store_mfn];
    start->console.domU.mfn = (u32)machine_to_phys_mapping[
        start->console.domU.mfn];
    gnttab_suspend();
    map_in_place(xen_shared_page, page_mfn(xen_shared_page));
    vcpu()->evtchn_upcall_mask = 1;
    ret = hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (u64)&s,
                    page_mfn(start), 0);
    if (ret) {
        start->store_mfn = xen_pfn_to_mfn(start->store_mfn);
        start->console.domU.mfn = (u32)xen_pfn_to_mfn(start->console.domU.mfn);
    }
    return ret;
}

static void begin_elsewhere(u64 before)
{
    away_ns = system_time_ns() - before;
    event_forget_all();
    memset(others_ports, 0, sizeof(others_ports));
    xen_start_timer();
}

int xen_suspend(void)
{
    u64 before;
    long ret;

    park_others();
    irq_off();
    before = xen_time_ns();
    ret = stand_still();
    elsewhere = !ret;
    attach_pages();
    gnttab_resume();
    if (elsewhere)
        begin_elsewhere(before);
    unpark_others();
    irq_on();
    return (int)ret;
}

const struct ops xen_ops = {
    .ident = IDENT_XEN,
    .name = "Xen's PV interface",
    .inlined = xen_inlined,
    .user_cs = FLAT_USER_CS,
    .user_ss = FLAT_USER_SS,
    .init = xen_init,
    .command_line = xen_command_line,
    .irq_on = xen_irq_on,
    .irq_off = xen_irq_off,
    .irq_state = xen_irq_state,
    .trap_exit = xen_trap_exit,
    .load_traps = xen_load_traps,
    .set_tss = nothing,
    .set_gs_base = xen_set_gs_base,
    .set_kernel_stack = xen_set_kernel_stack,
    .cpuid = xen_cpuid,
    .fault_address = xen_fault_address,
    .interrupt = xen_interrupt,
    .start_timer = xen_start_timer,
    .time_ns = xen_time_ns,
    .wall_seconds = xen_wall_seconds,
    .idle = xen_idle,
    .cpu_count = xen_cpu_count,
    .start_cpu = xen_start_cpu,
    .memory = xen_memory,
    .pfn_to_mfn = xen_pfn_to_mfn,
    .set_pte = xen_set_pte,
    .flush_page = xen_flush_page,
    .flush_tlb = xen_flush_tlb,
    .flush_tlb_many = xen_flush_tlb_many,
    .show_user = xen_show_user,
    .hide_user = xen_hide_user,
    .console_write = xen_console_write,
    .console_read = xen_console_read,
    .stop = xen_stop,
};
