/*
 * Changing the vCPU that a CPU runs.
 *
 * A CPU keeps the registers, FPU state and address space of its last vCPU
 * while it is idle ("loaded" lags behind "current"): often the same vCPU comes
 * back and then nothing has to be done. Whoever needs that state in memory -
 * because the vCPU is to run elsewhere, or is looked at - asks the CPU to let
 * go (sync_vcpu_state).
 *
 * All of it runs with interrupts off on the CPU concerned.
 */
#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "arch/x86/fpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/spec_ctrl.h"
#include "arch/x86/tlb.h"
#include "arch/x86/traps.h"
#include "arch/x86/xpti.h"
#include "lib/string.h"
#include "mm/mmu.h"
#include "pv/pv.h"
#include "sched/sched.h"

/* ---- segment registers and their bases ---- */

static void save_segments(struct vcpu *v)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t gs_active = rdmsr(MSR_GS_BASE);
    uint64_t gs_shadow = rdmsr(MSR_KERNEL_GS_BASE);

    __asm__("movw %%ds, %0" : "=m"(r->ds));
    __asm__("movw %%es, %0" : "=m"(r->es));
    __asm__("movw %%fs, %0" : "=m"(r->fs));
    __asm__("movw %%gs, %0" : "=m"(r->gs));
    v->pv.fs_base = rdmsr(MSR_FS_BASE);
    if (v->pv.in_kernel) {
        v->pv.gs_base_kernel = gs_active;
        v->pv.gs_base_user = gs_shadow;
    } else {
        v->pv.gs_base_user = gs_active;
        v->pv.gs_base_kernel = gs_shadow;
    }
}

/* Loads a selector; a bad one becomes null. True if it was good. */
#define LOAD_SELECTOR(reg, sel)                                                \
    ({                                                                         \
        bool ok_ = true;                                                       \
        __asm__ volatile("1: movw %w1, %%" #reg "\n"                           \
                         "2:\n\t"                                              \
                         ".pushsection .text.fixup, \"ax\", @progbits\n"       \
                         "3: xorl %k1, %k1\n\t"                                \
                         "movw %w1, %%" #reg "\n\t"                            \
                         "movb $0, %0\n\t"                                     \
                         "jmp 2b\n\t"                                          \
                         ".popsection\n\t"                                     \
                         ".pushsection .ex_table, \"a\", @progbits\n\t"        \
                         ".long 1b - ., 3b - .\n\t"                            \
                         ".popsection"                                         \
                         : "+m"(ok_)                                           \
                         : "r"((uint32_t)(sel))                                \
                         : "memory");                                          \
        ok_;                                                                   \
    })

/*
 * False if a selector was bad: then the guest is to be told. A selector load
 * clobbers the base, so bases come after. The guest's user GS selector is
 * loaded only if it is not null (a null one may or may not clear the base).
 */
static bool load_segments(struct vcpu *v)
{
    const struct cpu_user_regs *r = &v->regs;
    bool ok = true;
    uint16_t cur;

    __asm__ volatile("movw %%ds, %0" : "=r"(cur));
    if (cur | r->ds)
        ok &= LOAD_SELECTOR(ds, r->ds);
    __asm__ volatile("movw %%es, %0" : "=r"(cur));
    if (cur | r->es)
        ok &= LOAD_SELECTOR(es, r->es);
    __asm__ volatile("movw %%fs, %0" : "=r"(cur));
    if (cur | r->fs)
        ok &= LOAD_SELECTOR(fs, r->fs);
    __asm__ volatile("movw %%gs, %0" : "=r"(cur));
    if (cur | r->gs)
        ok &= LOAD_SELECTOR(gs, r->gs);

    wrmsr(MSR_FS_BASE, v->pv.fs_base);
    wrmsr(MSR_GS_BASE,
          v->pv.in_kernel ? v->pv.gs_base_kernel : v->pv.gs_base_user);
    wrmsr(MSR_KERNEL_GS_BASE,
          v->pv.in_kernel ? v->pv.gs_base_user : v->pv.gs_base_kernel);
    return ok;
}

/* ---- debug registers ---- */

#define DR7_ENABLED 0xffUL

/*
 * A vCPU without breakpoints runs with DR7 clear and whatever is in DR0-3: so
 * one that has some clears DR7 when it leaves.
 */
static void load_debug_registers(const struct vcpu *v)
{
    const uint64_t *dr = v->pv.debugreg;

    if (!(dr[7] & DR7_ENABLED))
        return;
    __asm__ volatile("movq %0, %%dr0" ::"r"(dr[0]));
    __asm__ volatile("movq %0, %%dr1" ::"r"(dr[1]));
    __asm__ volatile("movq %0, %%dr2" ::"r"(dr[2]));
    __asm__ volatile("movq %0, %%dr3" ::"r"(dr[3]));
    __asm__ volatile("movq %0, %%dr6" ::"r"(dr[6]));
    __asm__ volatile("movq %0, %%dr7" ::"r"(dr[7]));
}

static void unload_debug_registers(const struct vcpu *v)
{
    if (v->pv.debugreg[7] & DR7_ENABLED)
        __asm__ volatile("movq %0, %%dr7" ::"r"(0x400UL));
}

/* ---- a whole vCPU ---- */

void pv_set_ts(struct vcpu *v, bool ts)
{
    v->pv.cr0_ts = ts;
    if (ts)
        write_cr0(read_cr0() | CR0_TS);
    else
        __asm__ volatile("clts");
}

void pv_load_cr4(const struct vcpu *v)
{
    uint64_t want = cpu_cr4 | (v->pv.cr4 & (CR4_TSD | CR4_FSGSBASE));

    if (read_cr4() != want)
        write_cr4(want);
}

static void save_context(struct vcpu *v)
{
    memcpy(&v->regs, guest_regs(), offsetof(struct cpu_user_regs, es));
    save_segments(v);
    unload_debug_registers(v);
    if (v->pv.cr0_ts)
        __asm__ volatile("clts");
    fpu_save(v->pv.fpu);
}

static void leave_domain(struct domain *d)
{
    __atomic_fetch_and(&d->dirty_cpus, ~CPUMASK(smp_cpu_id()),
                       __ATOMIC_SEQ_CST);
}

static uint64_t base_of_mode(const struct vcpu *v)
{
    return v->pv.in_kernel ? v->pv.cr3_kernel : v->pv.cr3_user;
}

/*
 * From the address space of the vCPU loaded so far (saved; or NULL) to that of
 * v. Until the new base pointer is in, the old one is in use: the old vCPU
 * must not run elsewhere, where it could drop its tables, and its domain's
 * flushes must reach us. So `loaded` and the old domain's mask change after.
 */
static void switch_address_space(struct vcpu *old, struct vcpu *v)
{
    __atomic_fetch_or(&v->domain->dirty_cpus, CPUMASK(smp_cpu_id()),
                      __ATOMIC_SEQ_CST);
    if (v->domain->xpti) {
        xpti_load(v->pv.cr3_kernel, v->pv.cr3_user, v->pv.in_kernel);
    } else {
        write_guest_cr3(base_of_mode(v));
        if (old && old->domain->xpti)
            xpti_unload();
    }
    __atomic_store_n(&this_pcpu()->loaded, v, __ATOMIC_SEQ_CST);
    if (old && old->domain != v->domain)
        leave_domain(old->domain);
}

/*
 * A selector could not be loaded: for want of an LDT page, or the guest is to
 * hear of it. Both take locks of hypercalls, so this lets interrupts in.
 */
static __noinline void retry_segments(struct vcpu *v)
{
    const struct cpu_user_regs *r = &v->regs;
    unsigned fetched = 0;

    irq_enable();
    fetched += pv_ldt_want(r->ds);
    fetched += pv_ldt_want(r->es);
    fetched += pv_ldt_want(r->fs);
    fetched += pv_ldt_want(r->gs);
    irq_disable();
    if (fetched && load_segments(v))
        return;
    irq_enable();
    pv_failsafe_on_resume(v);
    irq_disable();
}

/* Its address space is there already. */
static void load_context(struct vcpu *v)
{
    memcpy(guest_regs(), &v->regs, offsetof(struct cpu_user_regs, es));
    pv_load_gdt(v);
    pv_load_ldt(v);
    fpu_restore(v->pv.fpu, v->pv.xcr0);
    if (v->pv.cr0_ts)
        write_cr0(read_cr0() | CR0_TS);
    pv_load_cr4(v);
    if (cpu_features.rdtscp)
        wrmsr(MSR_TSC_AUX, v->pv.tsc_aux);
    load_debug_registers(v);
    spec_ctrl_switch((uint64_t)v->domain->domain_id << 32 | v->vcpu_id,
                     v->domain->is_privileged, (uint32_t)v->pv.spec_ctrl);
    if (!load_segments(v))
        retry_segments(v);
}

void pv_enter_kernel(struct vcpu *v)
{
    v->pv.in_kernel = true;
    __asm__ volatile("swapgs");
    if (v->domain->xpti)
        xpti_set_mode(true);
    else
        write_cr3(v->pv.cr3_kernel);
    vcpu_refresh_guest_areas(v);
}

/*
 * Leaves the stack for `next`. The idle vCPU takes nothing: what is loaded
 * stays loaded.
 */
void __noreturn context_switch(struct vcpu *prev, struct vcpu *next)
{
    struct pcpu *p = this_pcpu();
    struct vcpu *loaded = p->loaded;

    (void)prev;
    p->curr = next;
    if (idle_vcpu(next))
        reset_stack_and_call(idle_loop);
    if (loaded != next) {
        if (loaded)
            save_context(loaded);
        switch_address_space(loaded, next);
        load_context(next);
    }
    sched_switched_in(next);
    reset_stack_to_guest();
}

/* On the CPU that has it loaded, by smp_call, interrupts off. */
static void unload_if_idle(void *data)
{
    struct pcpu *p = this_pcpu();
    struct vcpu *v = data;

    if (p->loaded != v || !idle_vcpu(p->curr))
        return;
    write_guest_cr3(hyp_cr3());
    if (v->domain->xpti)
        xpti_unload();
    save_context(v);
    __atomic_store_n(&p->loaded, NULL, __ATOMIC_SEQ_CST);
    leave_domain(v->domain);
}

void sync_vcpu_state(struct vcpu *v)
{
    unsigned cpu;

    for_each_online_cpu(cpu) {
        if (READ_ONCE(per_cpu(pcpu, cpu).loaded) == v)
            smp_call(CPUMASK(cpu), unload_if_idle, v);
    }
}
