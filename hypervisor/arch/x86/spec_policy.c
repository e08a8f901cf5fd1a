/*
 * The choice of defences (spec_policy.h). It follows stock Xen 4.17 for PV
 * guests wherever the two have the same means.
 */
#include "arch/x86/spec_policy.h"

#include "lib/compiler.h"
#include "lib/printk.h"
#include "lib/string.h"

/* ---- what a model of Intel's family 6 is open to ---- */

#define NO_SPECULATION 0x01 /* in order: nothing of all this */
#define NO_L1TF 0x02
#define NO_MDS 0x04
#define ONLY_MSBDS 0x08
#define NO_SSB 0x10
#define HAS_RFDS 0x20
#define RETPOLINE_OK 0x40 /* an empty RSB does not fall back on the BTB */
#define RETPOLINE_UCODE 0x80 /* ... with microcode of retpoline_ucode() */

#define SILVERMONT (NO_L1TF | ONLY_MSBDS | NO_SSB | RETPOLINE_OK)
#define GOLDMONT (NO_L1TF | NO_MDS | HAS_RFDS | RETPOLINE_OK)
#define PHI (NO_L1TF | ONLY_MSBDS | NO_SSB | RETPOLINE_OK)

/* Models not listed count as open to all that they do not deny themselves. */
static const struct {
    uint8_t model, flags;
} models[] = {
    /* Atom: Bonnell, Saltwell. */
    {0x1c, NO_SPECULATION}, {0x26, NO_SPECULATION}, {0x27, NO_SPECULATION},
    {0x35, NO_SPECULATION}, {0x36, NO_SPECULATION},
    /* Silvermont, Airmont. */
    {0x37, SILVERMONT}, {0x4a, SILVERMONT}, {0x4d, SILVERMONT},
    {0x5a, SILVERMONT}, {0x5d, SILVERMONT}, {0x4c, SILVERMONT},
    {0x75, SILVERMONT},
    /* Goldmont, Tremont, Gracemont and the hybrids with such cores. */
    {0x5c, GOLDMONT}, {0x5f, GOLDMONT}, {0x7a, GOLDMONT},
    {0x86, HAS_RFDS}, {0x96, HAS_RFDS}, {0x9c, HAS_RFDS}, {0xbe, HAS_RFDS},
    {0x97, HAS_RFDS}, {0x9a, HAS_RFDS}, {0xb7, HAS_RFDS}, {0xba, HAS_RFDS},
    {0xbf, HAS_RFDS},
    /* Knights Landing, Knights Mill. */
    {0x57, PHI}, {0x85, PHI},
    /* Core: Merom, Penryn, Nehalem, Westmere, Sandy Bridge to Haswell. */
    {0x0f, RETPOLINE_OK}, {0x16, RETPOLINE_OK}, {0x17, RETPOLINE_OK},
    {0x1d, RETPOLINE_OK}, {0x1a, RETPOLINE_OK}, {0x1e, RETPOLINE_OK},
    {0x1f, RETPOLINE_OK}, {0x2e, RETPOLINE_OK}, {0x25, RETPOLINE_OK},
    {0x2c, RETPOLINE_OK}, {0x2f, RETPOLINE_OK}, {0x2a, RETPOLINE_OK},
    {0x2d, RETPOLINE_OK}, {0x3a, RETPOLINE_OK}, {0x3e, RETPOLINE_OK},
    {0x3c, RETPOLINE_OK}, {0x3f, RETPOLINE_OK}, {0x45, RETPOLINE_OK},
    {0x46, RETPOLINE_OK},
    /* Broadwell; from Skylake on retpolines do not hold. */
    {0x3d, RETPOLINE_UCODE}, {0x47, RETPOLINE_UCODE},
    {0x4f, RETPOLINE_UCODE}, {0x56, RETPOLINE_UCODE},
};

static unsigned model_flags(const struct spec_cpu *c)
{
    if (c->vendor != SPEC_INTEL || c->family != 6)
        return 0;
    for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
        if (models[i].model == c->model)
            return models[i].flags;
    return 0;
}

static uint32_t intel_bugs(const struct spec_cpu *c)
{
    unsigned f = model_flags(c);
    uint64_t caps = c->arch_caps;
    uint32_t bugs = SPEC_BUG_BTI;

    if (f & NO_SPECULATION)
        return 0;
    if (!(caps & SPEC_CAP_RDCL_NO))
        bugs |= SPEC_BUG_MELTDOWN | (f & NO_L1TF ? 0 : SPEC_BUG_L1TF);
    if (!(caps & SPEC_CAP_MDS_NO) && !(f & NO_MDS))
        bugs |= f & ONLY_MSBDS ? SPEC_BUG_MSBDS : SPEC_BUG_MDS;
    if ((c->leaf7_ebx & SPEC_7B_RTM) && !(caps & SPEC_CAP_TAA_NO))
        bugs |= SPEC_BUG_TAA;
    if ((f & HAS_RFDS) && !(caps & SPEC_CAP_RFDS_NO))
        bugs |= SPEC_BUG_RFDS;
    if (!(caps & SPEC_CAP_SSB_NO) && !(f & NO_SSB))
        bugs |= SPEC_BUG_SSB;
    if ((caps & SPEC_CAP_IBRS_ALL) && !(caps & SPEC_CAP_BHI_NO))
        bugs |= SPEC_BUG_BHI;
    return bugs;
}

static uint32_t amd_bugs(const struct spec_cpu *c)
{
    uint32_t bugs = SPEC_BUG_BTI;

    if (!(c->ext8_ebx & SPEC_E8_SSB_NO))
        bugs |= SPEC_BUG_SSB;
    if (c->family < 0x19 && !(c->ext8_ebx & SPEC_E8_BTC_NO))
        bugs |= SPEC_BUG_BTC;
    if (c->family >= 0x17 && c->family <= 0x19 &&
        !(c->ext21_eax & SPEC_E21_SRSO_NO))
        bugs |= SPEC_BUG_SRSO;
    return bugs;
}

/* ---- the choice ---- */

/* Broadwell: the first microcode with which a retpoline holds. */
static bool retpoline_ucode(const struct spec_cpu *c)
{
    static const uint32_t server[] = {0x15, 0x7000012, 0xf000011, 0xe000009};

    switch (c->model) {
    case 0x3d:
        return c->ucode >= 0x2a;
    case 0x47:
        return c->ucode >= 0x1d;
    case 0x4f:
        return c->ucode >= 0xb000021;
    default:
        return c->stepping >= 2 && c->stepping <= 5 &&
               c->ucode >= server[c->stepping - 2];
    }
}

static bool retpoline_safe(const struct spec_cpu *c)
{
    unsigned f = model_flags(c);

    if (c->vendor == SPEC_AMD)
        return true;
    if (c->arch_caps & (SPEC_CAP_RSBA | SPEC_CAP_RRSBA))
        return false;
    return f & RETPOLINE_UCODE ? retpoline_ucode(c)
                               : (f & (RETPOLINE_OK | NO_SPECULATION)) != 0;
}

/* Bits of SPEC_CTRL that there are, without those for the hypervisor only. */
static uint32_t spec_ctrl_bits(const struct spec_cpu *c)
{
    uint32_t bits = 0;

    if ((c->leaf7_edx & SPEC_7D_IBRSB) || (c->ext8_ebx & SPEC_E8_IBRS))
        bits |= SPEC_CTRL_IBRS;
    if ((c->leaf7_edx & SPEC_7D_STIBP) || (c->ext8_ebx & SPEC_E8_STIBP))
        bits |= SPEC_CTRL_STIBP;
    if ((c->leaf7_edx & SPEC_7D_SSBD) || (c->ext8_ebx & SPEC_E8_SSBD))
        bits |= SPEC_CTRL_SSBD;
    if (c->ext8_ebx & SPEC_E8_PSFD)
        bits |= SPEC_CTRL_PSFD;
    return bits;
}

static bool chosen(const struct spec_options *o, enum spec_switch w,
                   bool otherwise)
{
    return o->on[w] >= 0 ? o->on[w] : otherwise;
}

/* Retpolines where they hold, else IBRS. What is asked for stands alone. */
static void choose_bti(const struct spec_cpu *c, const struct spec_options *o,
                       struct spec_choice *s)
{
    bool have = s->msr_sc && (spec_ctrl_bits(c) & SPEC_CTRL_IBRS), ibrs;

    s->thunk = o->thunk;
    if (o->thunk != THUNK_DEFAULT || o->on[OPT_IBRS] >= 0) {
        ibrs = have && o->on[OPT_IBRS] > 0;
    } else {
        ibrs = have && !retpoline_safe(c);
    }
    if (s->thunk == THUNK_DEFAULT)
        s->thunk = ibrs || !s->bugs ? THUNK_JMP : THUNK_RETPOLINE;
    if (ibrs)
        s->host |= SPEC_CTRL_IBRS;
}

/*
 * The hypervisor's SPEC_CTRL. With IBRS of the newer kind a bit may as well
 * stay on in the guest, and nothing has to be written on the way; the older
 * kind needs a write on each entry to take effect.
 */
static void choose_spec_ctrl(const struct spec_cpu *c,
                             const struct spec_options *o,
                             struct spec_choice *s)
{
    uint32_t have = spec_ctrl_bits(c);
    bool hint = c->ext8_ebx & SPEC_E8_STIBP_ALWAYS;

    s->msr_sc = have && chosen(o, OPT_MSR_SC, true);
    choose_bti(c, o, s);
    if (!s->msr_sc)
        return;
    if (chosen(o, OPT_STIBP, hint))
        s->host |= have & SPEC_CTRL_STIBP;
    if (chosen(o, OPT_SSBD, false))
        s->host |= have & SPEC_CTRL_SSBD;
    if (chosen(o, OPT_PSFD, false))
        s->host |= have & SPEC_CTRL_PSFD;
    if ((c->leaf7_2_edx & SPEC_72D_BHI_CTRL) &&
        chosen(o, OPT_BHI_DIS_S, s->bugs & SPEC_BUG_BHI))
        s->host |= SPEC_CTRL_BHI_DIS_S;
    if (c->arch_caps & SPEC_CAP_IBRS_ALL)
        s->always = s->host & (SPEC_CTRL_IBRS | SPEC_CTRL_BHI_DIS_S);
    else
        s->write_on_entry = s->host & SPEC_CTRL_IBRS;
    if (hint)
        s->always |= s->host & SPEC_CTRL_STIBP;
}

static bool has_ibpb(const struct spec_cpu *c)
{
    return (c->leaf7_edx & SPEC_7D_IBRSB) || (c->ext8_ebx & SPEC_E8_IBPB);
}

static void choose_predictors(const struct spec_cpu *c,
                              const struct spec_options *o,
                              struct spec_choice *s)
{
    bool confused = (s->bugs & SPEC_BUG_BTC) ||
                    ((s->bugs & SPEC_BUG_SRSO) &&
                     (c->ext21_eax & SPEC_E21_IBPB_BRTYPE));
    bool bhb = (s->bugs & SPEC_BUG_BHI) && !(s->host & SPEC_CTRL_BHI_DIS_S);

    /* With SMEP a return guessed into the guest's code goes nowhere. */
    s->rsb = chosen(o, OPT_RSB, s->bugs && !(c->leaf7_ebx & SPEC_7B_SMEP));
    s->ibpb_switch = has_ibpb(c) && chosen(o, OPT_IBPB, true);
    s->ibpb_entry_domu = has_ibpb(c) && chosen(o, OPT_IBPB_ENTRY, confused);
    s->ibpb_entry_dom0 = has_ibpb(c) && chosen(o, OPT_IBPB_ENTRY, false);
    s->bhb_entry_domu = chosen(o, OPT_BHB_ENTRY, bhb);
    s->bhb_entry_dom0 = chosen(o, OPT_BHB_ENTRY, false);
}

static void choose_data(const struct spec_cpu *c, const struct spec_options *o,
                        struct spec_choice *s)
{
    uint32_t sampled = SPEC_BUG_MDS | SPEC_BUG_MSBDS;
    bool useful;

    s->tsx_off = (c->arch_caps & SPEC_CAP_TSX_CTRL) &&
                 !chosen(o, OPT_TSX, !(s->bugs & SPEC_BUG_TAA));
    if (!s->tsx_off)
        sampled |= SPEC_BUG_TAA;
    useful = (c->leaf7_edx & SPEC_7D_MD_CLEAR) && (s->bugs & sampled);
    useful |= (c->arch_caps & SPEC_CAP_RFDS_CLEAR) &&
              (s->bugs & SPEC_BUG_RFDS);
    s->verw = chosen(o, OPT_MD_CLEAR, useful);
    s->l1tf_domu = chosen(o, OPT_L1TF_DOMU, s->bugs & SPEC_BUG_L1TF);
    s->l1tf_dom0 = chosen(o, OPT_L1TF_DOM0, false);
}

/* Capabilities that say what the processor is safe from, or its VERW clears. */
#define CAPS_FOR_GUESTS 0x1d1ae177UL

/* A guest sees a bit of SPEC_CTRL if it is kept for it on its way. */
static void choose_guest(const struct spec_cpu *c, struct spec_choice *s)
{
    uint32_t seven = SPEC_7D_MD_CLEAR | SPEC_7D_ARCH_CAPS;
    uint32_t ext = SPEC_E8_SSB_NO | SPEC_E8_BTC_NO | SPEC_E8_IBPB;

    if (s->msr_sc) {
        seven |= SPEC_7D_IBRSB | SPEC_7D_STIBP | SPEC_7D_SSBD;
        ext |= SPEC_E8_IBRS | SPEC_E8_STIBP | SPEC_E8_STIBP_ALWAYS |
               SPEC_E8_SSBD | SPEC_E8_PSFD;
        s->guest_spec_ctrl = spec_ctrl_bits(c);
    }
    s->guest_leaf7_edx = c->leaf7_edx & seven;
    s->guest_ext8_ebx = c->ext8_ebx & ext;
    s->guest_arch_caps = c->arch_caps & CAPS_FOR_GUESTS;
    if (!s->msr_sc)
        s->guest_arch_caps &= ~(uint64_t)SPEC_CAP_IBRS_ALL;
    s->guest_pred_cmd = (s->guest_leaf7_edx & SPEC_7D_IBRSB) ||
                        (s->guest_ext8_ebx & SPEC_E8_IBPB);
}

struct spec_choice spec_choose(const struct spec_cpu *c,
                               const struct spec_options *o)
{
    struct spec_choice s = {.bugs = 0};

    s.bugs = c->vendor == SPEC_AMD ? amd_bugs(c) : intel_bugs(c);
    s.lfence_serial = c->vendor == SPEC_AMD && c->family != 15 &&
                      !(c->ext21_eax & SPEC_E21_LFENCE_SERIAL);
    choose_spec_ctrl(c, o, &s);
    choose_predictors(c, o, &s);
    choose_data(c, o, &s);
    choose_guest(c, &s);
    return s;
}

/* ---- the boot log ---- */

#define LINE_MAX 160

struct named_bit {
    uint32_t bit;
    const char *name;
};
static const struct named_bit bug_names[] = {
    {SPEC_BUG_BTI, "BTI"},   {SPEC_BUG_MELTDOWN, "Meltdown"},
    {SPEC_BUG_L1TF, "L1TF"}, {SPEC_BUG_MDS, "MDS"},
    {SPEC_BUG_MSBDS, "MSBDS"}, {SPEC_BUG_TAA, "TAA"},
    {SPEC_BUG_RFDS, "RFDS"}, {SPEC_BUG_SSB, "SSB"},
    {SPEC_BUG_BHI, "BHI"},   {SPEC_BUG_BTC, "BTC"},
    {SPEC_BUG_SRSO, "SRSO"},
};

/* The words of a list that hold, each after a space; " none" if none does. */
static void list_start(char *line)
{
    str_copy(line, " none", LINE_MAX);
}

static void list_add(char *line, bool holds, const char *word)
{
    size_t at = strcmp(line, " none") ? strlen(line) : 0;

    if (holds)
        snprintf(line + at, LINE_MAX - at, " %s", word);
}

static void list_bugs(char *line, uint32_t bugs)
{
    list_start(line);
    for (unsigned i = 0; i < ARRAY_SIZE(bug_names); i++)
        list_add(line, bugs & bug_names[i].bit, bug_names[i].name);
}

static void list_defences(char *line, const struct spec_choice *s)
{
    list_start(line);
    list_add(line, s->host & SPEC_CTRL_IBRS, "IBRS");
    list_add(line, s->host & SPEC_CTRL_STIBP, "STIBP");
    list_add(line, s->host & SPEC_CTRL_SSBD, "SSBD");
    list_add(line, s->host & SPEC_CTRL_PSFD, "PSFD");
    list_add(line, s->host & SPEC_CTRL_BHI_DIS_S, "BHI_DIS_S");
    list_add(line, s->ibpb_switch, "IBPB");
    list_add(line, s->rsb, "RSB");
    list_add(line, s->ibpb_entry_domu, "IBPB-entry");
    list_add(line, s->bhb_entry_domu, "BHB-entry");
    list_add(line, s->verw, "VERW");
    list_add(line, s->tsx_off, "TSX-off");
    list_add(line, s->guest_spec_ctrl, "(guests: SPEC_CTRL)");
}

/* What would be switched on if the processor offered the means. */
static uint32_t helpless(const struct spec_cpu *c, const struct spec_choice *s)
{
    uint32_t bugs = 0;

    if (!has_ibpb(c))
        bugs |= SPEC_BUG_BTI;
    if (!(c->leaf7_edx & SPEC_7D_MD_CLEAR))
        bugs |= SPEC_BUG_MDS | SPEC_BUG_MSBDS | (s->tsx_off ? 0 : SPEC_BUG_TAA);
    if (!(c->arch_caps & SPEC_CAP_RFDS_CLEAR))
        bugs |= SPEC_BUG_RFDS;
    if (!(spec_ctrl_bits(c) & SPEC_CTRL_SSBD))
        bugs |= SPEC_BUG_SSB;
    return s->bugs & bugs;
}

void spec_report(const struct spec_cpu *c, const struct spec_choice *s)
{
    static const char *const thunks[] = {"", "RETPOLINE", "LFENCE", "JMP"};
    char line[LINE_MAX];
    uint32_t open = helpless(c, s);

    list_bugs(line, s->bugs);
    printk(XENLOG_INFO "Speculative execution: open to%s\n", line);
    list_defences(line, s);
    printk(XENLOG_INFO "  defences: thunk %s, others:%s\n",
           thunks[s->thunk], line);
    printk(XENLOG_INFO "  L1TF checks of guests' page tables: dom0 %s, domU "
                       "%s\n", s->l1tf_dom0 ? "on" : "off",
           s->l1tf_domu ? "on" : "off");
    list_bugs(line, open);
    if (open)
        printk(XENLOG_INFO "  in want of newer microcode against%s\n", line);
}
