/* Which defences which processor gets, by default and by option. */
#include "spec_tests.h"

#include <stdlib.h>
#include <string.h>

#define UCODE_2018                                                             \
    (SPEC_7D_IBRSB | SPEC_7D_STIBP | SPEC_7D_SSBD | SPEC_7D_L1D_FLUSH)
#define UCODE_2019 (UCODE_2018 | SPEC_7D_MD_CLEAR)
#define CAPABLE (UCODE_2019 | SPEC_7D_ARCH_CAPS)
#define CAPS_CASCADE_LAKE                                                      \
    (SPEC_CAP_RDCL_NO | SPEC_CAP_IBRS_ALL | SPEC_CAP_MDS_NO | SPEC_CAP_TSX_CTRL)
#define CAPS_ICE_LAKE                                                          \
    (SPEC_CAP_RDCL_NO | SPEC_CAP_IBRS_ALL | SPEC_CAP_MDS_NO | SPEC_CAP_TAA_NO)
#define E8_ZEN3                                                                \
    (SPEC_E8_IBPB | SPEC_E8_IBRS | SPEC_E8_STIBP | SPEC_E8_STIBP_ALWAYS |      \
     SPEC_E8_SSBD | SPEC_E8_BTC_NO | SPEC_E8_PSFD)
#define INTEL(m, s) .vendor = SPEC_INTEL, .family = 6, .model = m, .stepping = s
#define AMD(f, m) .vendor = SPEC_AMD, .family = f, .model = m

#define BTI SPEC_BUG_BTI
#define CORE_BUGS                                                              \
    (BTI | SPEC_BUG_MELTDOWN | SPEC_BUG_L1TF | SPEC_BUG_MDS | SPEC_BUG_SSB)

/* Words of what is chosen, besides bugs, thunk and SPEC_CTRL. */
#define MSR_SC 0x001
#define ON_ENTRY 0x002
#define RSB 0x004
#define IBPB 0x008
#define IBPB_DOMU 0x010
#define IBPB_DOM0 0x020
#define BHB_DOMU 0x040
#define BHB_DOM0 0x080
#define VERW 0x100
#define TSX_OFF 0x200
#define LFENCE_MSR 0x400
#define L1TF_DOMU 0x800
#define L1TF_DOM0 0x1000

static unsigned chosen_words(const struct spec_choice *s)
{
    return (s->msr_sc ? MSR_SC : 0) | (s->write_on_entry ? ON_ENTRY : 0) |
           (s->rsb ? RSB : 0) | (s->ibpb_switch ? IBPB : 0) |
           (s->ibpb_entry_domu ? IBPB_DOMU : 0) |
           (s->ibpb_entry_dom0 ? IBPB_DOM0 : 0) |
           (s->bhb_entry_domu ? BHB_DOMU : 0) |
           (s->bhb_entry_dom0 ? BHB_DOM0 : 0) | (s->verw ? VERW : 0) |
           (s->tsx_off ? TSX_OFF : 0) | (s->lfence_serial ? LFENCE_MSR : 0) |
           (s->l1tf_domu ? L1TF_DOMU : 0) | (s->l1tf_dom0 ? L1TF_DOM0 : 0);
}

static const struct {
    const char *name;
    struct spec_cpu cpu;
    uint32_t bugs;
    enum spec_thunk thunk;
    uint32_t host, always;
    unsigned words;
} table[] = {
    {"haswell-old", {INTEL(0x3c, 4), .leaf7_ebx = SPEC_7B_SMEP},
     CORE_BUGS, THUNK_RETPOLINE, 0, 0, L1TF_DOMU},
    {"haswell-no-smep", {INTEL(0x3c, 4)},
     CORE_BUGS, THUNK_RETPOLINE, 0, 0, RSB | L1TF_DOMU},
    {"haswell", {INTEL(0x3c, 4), .leaf7_ebx = SPEC_7B_SMEP,
                 .leaf7_edx = UCODE_2019},
     CORE_BUGS, THUNK_RETPOLINE, 0, 0, MSR_SC | IBPB | VERW | L1TF_DOMU},
    {"haswell-2018", {INTEL(0x3c, 4), .leaf7_ebx = SPEC_7B_SMEP,
                      .leaf7_edx = UCODE_2018},
     CORE_BUGS, THUNK_RETPOLINE, 0, 0, MSR_SC | IBPB | L1TF_DOMU},
    {"broadwell-0x29", {INTEL(0x3d, 4), .leaf7_ebx = SPEC_7B_SMEP,
                        .leaf7_edx = UCODE_2019, .ucode = 0x29},
     CORE_BUGS, THUNK_JMP, SPEC_CTRL_IBRS, 0,
     MSR_SC | ON_ENTRY | IBPB | VERW | L1TF_DOMU},
    {"broadwell-0x2a", {INTEL(0x3d, 4), .leaf7_ebx = SPEC_7B_SMEP,
                        .leaf7_edx = UCODE_2019, .ucode = 0x2a},
     CORE_BUGS, THUNK_RETPOLINE, 0, 0, MSR_SC | IBPB | VERW | L1TF_DOMU},
    {"broadwell-de-3", {INTEL(0x56, 3), .leaf7_ebx = SPEC_7B_SMEP,
                        .leaf7_edx = UCODE_2019, .ucode = 0x7000011},
     CORE_BUGS, THUNK_JMP, SPEC_CTRL_IBRS, 0,
     MSR_SC | ON_ENTRY | IBPB | VERW | L1TF_DOMU},
    {"skylake-client", {INTEL(0x5e, 3), .leaf7_edx = UCODE_2019,
                        .leaf7_ebx = SPEC_7B_SMEP | SPEC_7B_RTM},
     CORE_BUGS | SPEC_BUG_TAA, THUNK_JMP, SPEC_CTRL_IBRS, 0,
     MSR_SC | ON_ENTRY | IBPB | VERW | L1TF_DOMU},
    {"skylake-old", {INTEL(0x5e, 3), .leaf7_ebx = SPEC_7B_SMEP},
     CORE_BUGS, THUNK_RETPOLINE, 0, 0, L1TF_DOMU},
    {"skylake-server", {INTEL(0x55, 4), .leaf7_edx = CAPABLE,
                        .leaf7_ebx = SPEC_7B_SMEP | SPEC_7B_RTM,
                        .arch_caps = SPEC_CAP_RSBA},
     CORE_BUGS | SPEC_BUG_TAA, THUNK_JMP, SPEC_CTRL_IBRS, 0,
     MSR_SC | ON_ENTRY | IBPB | VERW | L1TF_DOMU},
    {"cascade-lake", {INTEL(0x55, 7), .leaf7_edx = CAPABLE,
                      .leaf7_ebx = SPEC_7B_SMEP | SPEC_7B_RTM,
                      .arch_caps = CAPS_CASCADE_LAKE},
     BTI | SPEC_BUG_TAA | SPEC_BUG_SSB | SPEC_BUG_BHI, THUNK_JMP,
     SPEC_CTRL_IBRS, SPEC_CTRL_IBRS, MSR_SC | IBPB | TSX_OFF | BHB_DOMU},
    {"ice-lake", {INTEL(0x6a, 6), .leaf7_edx = CAPABLE,
                  .leaf7_ebx = SPEC_7B_SMEP, .arch_caps = CAPS_ICE_LAKE},
     BTI | SPEC_BUG_SSB | SPEC_BUG_BHI, THUNK_JMP, SPEC_CTRL_IBRS,
     SPEC_CTRL_IBRS, MSR_SC | IBPB | BHB_DOMU},
    {"alder-lake", {INTEL(0x97, 2), .leaf7_edx = CAPABLE,
                    .leaf7_ebx = SPEC_7B_SMEP,
                    .leaf7_2_edx = SPEC_72D_BHI_CTRL,
                    .arch_caps = CAPS_ICE_LAKE | SPEC_CAP_RFDS_CLEAR |
                                 SPEC_CAP_RRSBA},
     BTI | SPEC_BUG_SSB | SPEC_BUG_BHI | SPEC_BUG_RFDS, THUNK_JMP,
     SPEC_CTRL_IBRS | SPEC_CTRL_BHI_DIS_S,
     SPEC_CTRL_IBRS | SPEC_CTRL_BHI_DIS_S, MSR_SC | IBPB | VERW},
    {"granite-rapids", {INTEL(0xad, 1), .leaf7_edx = CAPABLE,
                        .leaf7_ebx = SPEC_7B_SMEP,
                        .arch_caps = CAPS_ICE_LAKE | SPEC_CAP_BHI_NO |
                                     SPEC_CAP_SSB_NO},
     BTI, THUNK_JMP, SPEC_CTRL_IBRS, SPEC_CTRL_IBRS, MSR_SC | IBPB},
    {"bonnell", {INTEL(0x1c, 2)}, 0, THUNK_JMP, 0, 0, 0},
    {"silvermont", {INTEL(0x37, 8), .leaf7_ebx = SPEC_7B_SMEP,
                    .leaf7_edx = UCODE_2019},
     BTI | SPEC_BUG_MELTDOWN | SPEC_BUG_MSBDS, THUNK_RETPOLINE, 0, 0,
     MSR_SC | IBPB | VERW},
    {"goldmont", {INTEL(0x5c, 9), .leaf7_ebx = SPEC_7B_SMEP,
                  .leaf7_edx = UCODE_2019},
     BTI | SPEC_BUG_MELTDOWN | SPEC_BUG_SSB | SPEC_BUG_RFDS, THUNK_RETPOLINE,
     0, 0, MSR_SC | IBPB},
    {"pentium4", {.vendor = SPEC_INTEL, .family = 15, .model = 6},
     CORE_BUGS, THUNK_RETPOLINE, 0, 0, RSB | L1TF_DOMU},
    {"k10", {AMD(0x10, 4)}, BTI | SPEC_BUG_SSB | SPEC_BUG_BTC,
     THUNK_RETPOLINE, 0, 0, RSB | LFENCE_MSR},
    {"zen1", {AMD(0x17, 1), .leaf7_ebx = SPEC_7B_SMEP,
              .ext8_ebx = SPEC_E8_IBPB},
     BTI | SPEC_BUG_SSB | SPEC_BUG_BTC | SPEC_BUG_SRSO, THUNK_RETPOLINE, 0, 0,
     IBPB | IBPB_DOMU | LFENCE_MSR},
    {"zen3", {AMD(0x19, 0x21), .leaf7_ebx = SPEC_7B_SMEP,
              .ext8_ebx = E8_ZEN3, .ext21_eax = SPEC_E21_LFENCE_SERIAL},
     BTI | SPEC_BUG_SSB | SPEC_BUG_SRSO, THUNK_RETPOLINE, SPEC_CTRL_STIBP,
     SPEC_CTRL_STIBP, MSR_SC | IBPB},
    {"zen3-2023", {AMD(0x19, 0x21), .leaf7_ebx = SPEC_7B_SMEP,
                   .ext8_ebx = E8_ZEN3,
                   .ext21_eax = SPEC_E21_LFENCE_SERIAL |
                                SPEC_E21_IBPB_BRTYPE},
     BTI | SPEC_BUG_SSB | SPEC_BUG_SRSO, THUNK_RETPOLINE, SPEC_CTRL_STIBP,
     SPEC_CTRL_STIBP, MSR_SC | IBPB | IBPB_DOMU},
    {"zen5", {AMD(0x1a, 2), .leaf7_ebx = SPEC_7B_SMEP,
              .ext8_ebx = E8_ZEN3 | SPEC_E8_SSB_NO,
              .ext21_eax = SPEC_E21_LFENCE_SERIAL | SPEC_E21_SRSO_NO},
     BTI, THUNK_RETPOLINE, SPEC_CTRL_STIBP, SPEC_CTRL_STIBP, MSR_SC | IBPB},
    {"other", {.vendor = SPEC_OTHER, .family = 6, .model = 0x1c},
     CORE_BUGS, THUNK_RETPOLINE, 0, 0, RSB | L1TF_DOMU},
};
#define NR_CPUS (sizeof(table) / sizeof(table[0]))

const struct spec_cpu *cpu_named(const char *name)
{
    for (unsigned i = 0; i < NR_CPUS; i++)
        if (!strcmp(table[i].name, name))
            return &table[i].cpu;
    fail_msg("no processor %s", name);
    return NULL;
}

void test_defaults(void **state)
{
    const struct spec_options none = SPEC_OPTIONS_INIT;

    (void)state;
    for (unsigned i = 0; i < NR_CPUS; i++) {
        struct spec_choice s = spec_choose(&table[i].cpu, &none);

        if (s.bugs != table[i].bugs || s.thunk != table[i].thunk ||
            s.host != table[i].host || s.always != table[i].always ||
            chosen_words(&s) != table[i].words)
            fail_msg("%s: bugs %#x thunk %d host %#x always %#x words %#x",
                     table[i].name, s.bugs, s.thunk, s.host, s.always,
                     chosen_words(&s));
    }
}

/* An option, and what it changes of the default. */
void test_options(void **state)
{
    static const struct {
        const char *cpu, *option;
        enum spec_thunk thunk;
        uint32_t host;
        unsigned words;
    } cases[] = {
        {"haswell", "bti-thunk=lfence", THUNK_LFENCE, 0,
         MSR_SC | IBPB | VERW | L1TF_DOMU},
        {"haswell", "ibrs", THUNK_JMP, SPEC_CTRL_IBRS,
         MSR_SC | ON_ENTRY | IBPB | VERW | L1TF_DOMU},
        {"haswell-old", "ibrs,ibpb,stibp,ssbd", THUNK_RETPOLINE, 0,
         L1TF_DOMU},
        {"skylake-client", "ibrs=no", THUNK_RETPOLINE, 0,
         MSR_SC | IBPB | VERW | L1TF_DOMU},
        {"skylake-client", "bti-thunk=retpoline", THUNK_RETPOLINE, 0,
         MSR_SC | IBPB | VERW | L1TF_DOMU},
        {"skylake-client", "no-msr-sc", THUNK_RETPOLINE, 0,
         IBPB | VERW | L1TF_DOMU},
        {"skylake-client", "ssbd,stibp", THUNK_JMP,
         SPEC_CTRL_IBRS | SPEC_CTRL_SSBD | SPEC_CTRL_STIBP,
         MSR_SC | ON_ENTRY | IBPB | VERW | L1TF_DOMU},
        {"haswell-old", "rsb,md-clear,bhb-entry", THUNK_RETPOLINE, 0,
         RSB | VERW | BHB_DOMU | BHB_DOM0 | L1TF_DOMU},
        {"zen1", "ibpb-entry", THUNK_RETPOLINE, 0,
         IBPB | IBPB_DOMU | IBPB_DOM0 | LFENCE_MSR},
        {"zen1", "no-ibpb-entry,ibpb=0", THUNK_RETPOLINE, 0, LFENCE_MSR},
        {"zen3", "psfd,stibp=no", THUNK_RETPOLINE, SPEC_CTRL_PSFD,
         MSR_SC | IBPB},
        {"alder-lake", "bhi-dis-s=no", THUNK_JMP, SPEC_CTRL_IBRS,
         MSR_SC | IBPB | VERW | BHB_DOMU},
        {"haswell", "xen=no", THUNK_JMP, 0, MSR_SC | L1TF_DOMU},
        {"zen3", "no-xen", THUNK_JMP, 0, MSR_SC},
        {"haswell", "no,ibpb", THUNK_JMP, 0, IBPB},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct spec_options o = SPEC_OPTIONS_INIT;
        struct spec_choice s;

        spec_parse(&o, cases[i].option);
        s = spec_choose(cpu_named(cases[i].cpu), &o);
        if (s.thunk != cases[i].thunk || s.host != cases[i].host ||
            chosen_words(&s) != cases[i].words)
            fail_msg("%s, %s: thunk %d host %#x words %#x", cases[i].cpu,
                     cases[i].option, s.thunk, s.host, chosen_words(&s));
    }
}

void test_guest_view(void **state)
{
    struct spec_options o = SPEC_OPTIONS_INIT;
    struct spec_choice s = spec_choose(cpu_named("skylake-server"), &o);

    (void)state;
    assert_int_equal(s.guest_leaf7_edx, CAPABLE & ~SPEC_7D_L1D_FLUSH);
    assert_int_equal(s.guest_spec_ctrl,
                     SPEC_CTRL_IBRS | SPEC_CTRL_STIBP | SPEC_CTRL_SSBD);
    assert_int_equal(s.guest_arch_caps, SPEC_CAP_RSBA);
    assert_true(s.guest_pred_cmd);
    s = spec_choose(cpu_named("cascade-lake"), &o);
    assert_int_equal(s.guest_arch_caps, CAPS_CASCADE_LAKE & ~SPEC_CAP_TSX_CTRL);
    s = spec_choose(cpu_named("zen3"), &o);
    assert_int_equal(s.guest_ext8_ebx, E8_ZEN3);
    assert_int_equal(s.guest_leaf7_edx, 0);
    s = spec_choose(cpu_named("haswell-old"), &o);
    assert_false(s.guest_pred_cmd || s.guest_spec_ctrl || s.guest_leaf7_edx);

    spec_parse(&o, "no-msr-sc");
    s = spec_choose(cpu_named("cascade-lake"), &o);
    assert_int_equal(s.guest_leaf7_edx, SPEC_7D_MD_CLEAR | SPEC_7D_ARCH_CAPS);
    assert_false(s.guest_spec_ctrl || s.guest_pred_cmd);
    assert_false(s.guest_arch_caps & SPEC_CAP_IBRS_ALL);
    s = spec_choose(cpu_named("zen3"), &o);
    assert_int_equal(s.guest_ext8_ebx, SPEC_E8_IBPB | SPEC_E8_BTC_NO);
    assert_true(s.guest_pred_cmd);
}

/* Whatever the processor and the options: only what there is is used. */
void test_sound(void **state)
{
    (void)state;
    srand(1);
    for (unsigned n = 0; n < 200000; n++) {
        const struct spec_cpu *c = &table[(unsigned)rand() % NR_CPUS].cpu;
        struct spec_options o = SPEC_OPTIONS_INIT;
        struct spec_choice s;
        bool ibpb = (c->leaf7_edx & SPEC_7D_IBRSB) ||
                    (c->ext8_ebx & SPEC_E8_IBPB);

        for (unsigned i = 0; i < NR_SPEC_SWITCHES; i++)
            o.on[i] = (int8_t)(rand() % 3 - 1);
        o.thunk = (enum spec_thunk)(rand() % 4);
        s = spec_choose(c, &o);
        assert_int_not_equal(s.thunk, THUNK_DEFAULT);
        assert_true(s.msr_sc || (!s.host && !s.guest_spec_ctrl));
        assert_true((s.always & ~s.host) == 0);
        assert_true(ibpb || !(s.ibpb_switch || s.ibpb_entry_domu ||
                              s.ibpb_entry_dom0 || s.guest_pred_cmd));
        assert_true((s.guest_leaf7_edx & ~c->leaf7_edx) == 0);
        assert_true((s.guest_ext8_ebx & ~c->ext8_ebx) == 0);
        assert_true((s.guest_arch_caps & ~c->arch_caps) == 0);
        assert_true(!s.tsx_off || (c->arch_caps & SPEC_CAP_TSX_CTRL));
        /* Spectre v2 has an answer unless the options took it away. */
        if (o.thunk == THUNK_DEFAULT && s.thunk == THUNK_JMP)
            assert_true((s.host & SPEC_CTRL_IBRS) || !s.bugs);
    }
}

void test_off(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NR_CPUS; i++) {
        struct spec_options o = SPEC_OPTIONS_INIT;
        struct spec_choice s;

        spec_parse(&o, "no");
        s = spec_choose(&table[i].cpu, &o);
        assert_true(o.all_off);
        assert_int_equal(s.thunk, THUNK_JMP);
        assert_int_equal(s.host | s.always, 0);
        assert_int_equal(chosen_words(&s) & ~LFENCE_MSR, 0);
    }
}

static void report(const char *cpu, const char *option)
{
    struct spec_options o = SPEC_OPTIONS_INIT;
    struct spec_choice s;

    if (option)
        spec_parse(&o, option);
    s = spec_choose(cpu_named(cpu), &o);
    log_reset();
    spec_report(cpu_named(cpu), &s);
}

void test_report(void **state)
{
    (void)state;
    report("haswell-old", NULL);
    assert_non_null(strstr(log_text, "open to BTI Meltdown L1TF MDS SSB\n"));
    assert_non_null(strstr(log_text, "thunk RETPOLINE, others: none\n"));
    assert_non_null(strstr(log_text, "dom0 off, domU on\n"));
    assert_non_null(strstr(log_text, "microcode against BTI MDS SSB\n"));
    report("skylake-client", NULL);
    assert_non_null(strstr(log_text, "others: IBRS IBPB VERW (guests"));
    assert_null(strstr(log_text, "microcode"));
    report("bonnell", NULL);
    assert_non_null(strstr(log_text, "open to none\n"));
    report("goldmont", NULL);
    assert_non_null(strstr(log_text, "microcode against RFDS\n"));
}
