/* Carrying out the choice of defences (spec_ctrl.h). */
#include "arch/x86/spec_ctrl.h"

#include "arch/x86/cpu.h"
#include "arch/x86/spec_asm.h"
#include "arch/x86/topology.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/string.h"

#define MSR_UCODE_REV 0x8b
#define MSR_TSX_CTRL 0x122
#define TSX_CTRL_OFF 3 /* RTM aborts at once and is not shown by CPUID */
#define MSR_AMD_DE_CFG 0xc0011029
#define DE_CFG_LFENCE_SERIAL 2UL
#define PRED_CMD_IBPB 1

DEFINE_PER_CPU(struct spec_state, spec_state);
struct spec_choice spec_choice;
bool spec_per_vcpu;

static struct spec_options options = SPEC_OPTIONS_INIT;

/* ---- options ---- */

static int __init set_spec_ctrl(const char *value)
{
    spec_parse(&options, value);
    return 0;
}
static int __init set_pv_l1tf(const char *value)
{
    return spec_parse_l1tf(&options, value);
}
static int __init set_tsx(const char *value)
{
    return spec_parse_tsx(&options, value);
}
PARAM_FN("spec-ctrl", set_spec_ctrl);
PARAM_FN("pv-l1tf", set_pv_l1tf);
PARAM_FN("tsx", set_tsx);

bool spec_ctrl_all_off(void)
{
    return options.all_off;
}

/* ---- what the processor says ---- */

static uint32_t __init read_ucode(void)
{
    uint64_t v;

    /* Zeroed first, CPUID fills it in (Intel SDM vol. 3, 9.11.7). */
    wrmsr_safe(MSR_UCODE_REV, 0);
    cpuid(1, 0);
    return rdmsr_safe(MSR_UCODE_REV, &v) ? (uint32_t)(v >> 32) : 0;
}

static void __init read_cpu(struct spec_cpu *c)
{
    const struct cpu_features *f = &cpu_features;
    struct cpuid_regs r;

    *c = (struct spec_cpu){.family = f->family, .model = f->model,
                           .stepping = f->stepping};
    if (f->vendor_amd)
        c->vendor = SPEC_AMD;
    else if (!strcmp(f->vendor, "GenuineIntel"))
        c->vendor = SPEC_INTEL;
    if (c->vendor == SPEC_INTEL)
        c->ucode = read_ucode();
    if (f->max_leaf >= 7) {
        r = cpuid(7, 0);
        c->leaf7_ebx = f->smep ? r.b : r.b & ~SPEC_7B_SMEP;
        c->leaf7_edx = r.d;
        if (r.a >= 2)
            c->leaf7_2_edx = cpuid(7, 2).d;
    }
    if (f->max_ext_leaf >= 0x80000008)
        c->ext8_ebx = cpuid(0x80000008, 0).b;
    if (f->max_ext_leaf >= 0x80000021)
        c->ext21_eax = cpuid(0x80000021, 0).a;
    if (c->leaf7_edx & SPEC_7D_ARCH_CAPS)
        rdmsr_safe(MSR_ARCH_CAPABILITIES, &c->arch_caps);
}

/* ---- the places in the image ---- */

struct patch {
    int32_t where, argument; /* relative to the field itself; or a number */
    uint32_t kind;
};
extern const struct patch spec_patches_start[], spec_patches_end[];

static const char lfence[] = {0x0f, (char)0xae, (char)0xe8};

/* An instruction whose last four bytes are the distance to its target. */
static void __init put_relative(char *at, const char *opcode, unsigned len,
                                const char *target)
{
    int32_t distance = (int32_t)(target - (at + len + 4));

    memcpy(at, opcode, len);
    memcpy(at + len, &distance, 4);
}

/* An indirect branch, built as a retpoline. */
static void __init put_branch(const struct patch *p, char *at, char *target)
{
    static const char jump[] = {(char)0xff, 0x25};
    /* Five prefixes without meaning, call *(%r10, %rax, 8). */
    static const char table[] = {0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x41,
                                 (char)0xff, 0x14, (char)0xc2};
    bool fence = spec_choice.thunk == THUNK_LFENCE;

    /* The SYSCALL stub's jump comes before IBRS is on. */
    if (spec_choice.thunk == THUNK_RETPOLINE ||
        (p->kind == SPEC_PATCH_JUMP && (spec_choice.host & SPEC_CTRL_IBRS)))
        return;
    if (p->kind == SPEC_PATCH_TABLE) {
        if (!fence) /* else the thunk that it calls is enough */
            memcpy(at, table, sizeof(table));
        return;
    }
    if (fence) {
        memcpy(at, lfence, sizeof(lfence));
        at += sizeof(lfence);
    }
    if (p->kind == SPEC_PATCH_JUMP)
        put_relative(at, jump, sizeof(jump), target);
    else
        memcpy(at, &p->argument, sizeof(p->argument));
}

static void __init apply(const struct patch *p)
{
    const struct spec_choice *s = &spec_choice;
    char *at = (char *)&p->where + p->where;
    char *target = (char *)&p->argument + p->argument;
    const bool wanted[] = {
        [SPEC_PATCH_ENTRY] = s->msr_sc || s->rsb || s->ibpb_entry_domu ||
                             s->bhb_entry_domu,
        [SPEC_PATCH_EXIT] = s->msr_sc || s->verw,
        [SPEC_PATCH_IST] = s->msr_sc,
        [SPEC_PATCH_VERW] = s->verw,
    };

    if (p->kind >= ARRAY_SIZE(wanted))
        put_branch(p, at, target);
    else if (wanted[p->kind] && p->kind == SPEC_PATCH_VERW)
        put_relative(at, "\x0f\x00\x2d", 3, target);
    else if (wanted[p->kind])
        put_relative(at, "\xe8", 1, target);
}

void __init spec_ctrl_select(void)
{
    struct spec_cpu c;

    read_cpu(&c);
    spec_choice = spec_choose(&c, &options);
    spec_per_vcpu = spec_choice.msr_sc || spec_choice.ibpb_switch ||
                    spec_choice.ibpb_entry_domu || spec_choice.bhb_entry_domu;
    for (const struct patch *p = spec_patches_start; p < spec_patches_end; p++)
        apply(p);
    spec_report(&c, &spec_choice);
}

/* ---- each CPU ---- */

static void set_state(struct spec_state *st, uint32_t guest)
{
    const struct spec_choice *s = &spec_choice;

    st->guest = guest | s->always;
    st->flags &= (uint8_t)~(SPEC_F_WRITE_ENTRY | SPEC_F_WRITE_EXIT);
    if (s->msr_sc && (s->write_on_entry || st->guest != st->host))
        st->flags |= SPEC_F_WRITE_ENTRY;
    if (s->msr_sc && st->guest != st->host)
        st->flags |= SPEC_F_WRITE_EXIT;
}

void spec_ctrl_set_guest(uint32_t guest)
{
    set_state(&this_cpu(spec_state), guest);
}

void spec_ctrl_switch_slow(uint64_t id, bool trusted, uint32_t guest)
{
    const struct spec_choice *s = &spec_choice;
    struct spec_state *st = &this_cpu(spec_state);

    st->flags = s->rsb ? SPEC_F_RSB : 0;
    if (trusted ? s->ibpb_entry_dom0 : s->ibpb_entry_domu)
        st->flags |= SPEC_F_IBPB;
    if (trusted ? s->bhb_entry_dom0 : s->bhb_entry_domu)
        st->flags |= SPEC_F_BHB;
    set_state(st, guest);
    if (s->ibpb_switch && st->last != id)
        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
    st->last = id;
}

void spec_ctrl_init_cpu(void)
{
    const struct spec_choice *s = &spec_choice;
    struct spec_state *st = &this_cpu(spec_state);
    uint64_t v;

    st->host = s->host;
    st->flags = s->rsb ? SPEC_F_RSB : 0;
    set_state(st, 0);
    if (s->msr_sc)
        wrmsr(MSR_SPEC_CTRL, s->host);
    if (s->tsx_off)
        wrmsr_safe(MSR_TSX_CTRL, TSX_CTRL_OFF);
    if (s->lfence_serial && rdmsr_safe(MSR_AMD_DE_CFG, &v))
        wrmsr_safe(MSR_AMD_DE_CFG, v | DE_CFG_LFENCE_SERIAL);
}

void __init spec_ctrl_check_smt(void)
{
    uint32_t shared = SPEC_BUG_L1TF | SPEC_BUG_MDS | SPEC_BUG_TAA;

    if ((spec_choice.bugs & shared) && !options.all_off &&
        topology_threads_per_core() > 1)
        printk(XENLOG_WARNING "WARNING: two threads of a core run guests, on "
                              "a processor open to L1TF, MDS or TAA: one may "
                              "read what the other works on; see noht\n");
}
