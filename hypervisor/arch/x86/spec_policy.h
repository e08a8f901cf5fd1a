/*
 * Which defences against speculative execution this machine needs and can
 * have. Pure: from what CPUID and MSRs say and from the options to a choice;
 * spec_ctrl.c carries it out. Start-up only.
 *
 * Facts: Intel, "Affected Processors" and the SDM's IA32_ARCH_CAPABILITIES;
 * AMD, "Software techniques for managing speculation" and its bulletins.
 */
#ifndef ARCH_X86_SPEC_POLICY_H
#define ARCH_X86_SPEC_POLICY_H

#include "lib/types.h"

enum spec_vendor { SPEC_OTHER, SPEC_INTEL, SPEC_AMD /* and Hygon */ };

/* The processor: raw words of CPUID and MSRs, 0 where it has none. */
struct spec_cpu {
    enum spec_vendor vendor;
    unsigned family, model, stepping;
    uint32_t ucode;     /* microcode revision */
    uint32_t leaf7_ebx, leaf7_edx, leaf7_2_edx;
    uint32_t ext8_ebx;  /* leaf 0x80000008 */
    uint32_t ext21_eax; /* leaf 0x80000021 */
    uint64_t arch_caps; /* MSR_ARCH_CAPABILITIES */
};

/* Leaf 7, ebx and edx. */
#define SPEC_7B_SMEP (1u << 7)
#define SPEC_7B_RTM (1u << 11)
#define SPEC_7D_MD_CLEAR (1u << 10)
#define SPEC_7D_IBRSB (1u << 26) /* IBRS and IBPB */
#define SPEC_7D_STIBP (1u << 27)
#define SPEC_7D_L1D_FLUSH (1u << 28)
#define SPEC_7D_ARCH_CAPS (1u << 29)
#define SPEC_7D_SSBD (1u << 31)
/* Leaf 7 subleaf 2, edx. */
#define SPEC_72D_BHI_CTRL (1u << 4)
/* Leaf 0x80000008, ebx. */
#define SPEC_E8_IBPB (1u << 12)
#define SPEC_E8_IBRS (1u << 14)
#define SPEC_E8_STIBP (1u << 15)
#define SPEC_E8_STIBP_ALWAYS (1u << 17)
#define SPEC_E8_SSBD (1u << 24)
#define SPEC_E8_SSB_NO (1u << 26)
#define SPEC_E8_PSFD (1u << 28)
#define SPEC_E8_BTC_NO (1u << 29)
/* Leaf 0x80000021, eax. */
#define SPEC_E21_LFENCE_SERIAL (1u << 2)
#define SPEC_E21_IBPB_BRTYPE (1u << 28)
#define SPEC_E21_SRSO_NO (1u << 29)
/* MSR_ARCH_CAPABILITIES. */
#define SPEC_CAP_RDCL_NO (1u << 0)
#define SPEC_CAP_IBRS_ALL (1u << 1)
#define SPEC_CAP_RSBA (1u << 2)
#define SPEC_CAP_SSB_NO (1u << 4)
#define SPEC_CAP_MDS_NO (1u << 5)
#define SPEC_CAP_TSX_CTRL (1u << 7)
#define SPEC_CAP_TAA_NO (1u << 8)
#define SPEC_CAP_RRSBA (1u << 19)
#define SPEC_CAP_BHI_NO (1u << 20)
#define SPEC_CAP_RFDS_NO (1u << 27)
#define SPEC_CAP_RFDS_CLEAR (1u << 28)
/* MSR_SPEC_CTRL. */
#define SPEC_CTRL_IBRS (1u << 0)
#define SPEC_CTRL_STIBP (1u << 1)
#define SPEC_CTRL_SSBD (1u << 2)
#define SPEC_CTRL_PSFD (1u << 7)
#define SPEC_CTRL_BHI_DIS_S (1u << 10)

/* What the processor is open to. */
#define SPEC_BUG_MELTDOWN (1u << 0)
#define SPEC_BUG_L1TF (1u << 1)
#define SPEC_BUG_MDS (1u << 2)
#define SPEC_BUG_MSBDS (1u << 3) /* of the MDS kind, store buffers only */
#define SPEC_BUG_TAA (1u << 4)
#define SPEC_BUG_RFDS (1u << 5)
#define SPEC_BUG_SSB (1u << 6)
#define SPEC_BUG_BHI (1u << 7)
#define SPEC_BUG_BTC (1u << 8) /* branch type confusion, "Retbleed" */
#define SPEC_BUG_SRSO (1u << 9)
#define SPEC_BUG_BTI (1u << 10) /* Spectre v2: all that speculate */

enum spec_thunk { THUNK_DEFAULT, THUNK_RETPOLINE, THUNK_LFENCE, THUNK_JMP };

/* Switches of spec-ctrl=: 1 on, 0 off, -1 left to the processor. */
enum spec_switch {
    OPT_MSR_SC, OPT_RSB, OPT_MD_CLEAR, OPT_IBPB_ENTRY, OPT_BHB_ENTRY,
    OPT_IBRS, OPT_IBPB, OPT_STIBP, OPT_SSBD, OPT_PSFD, OPT_BHI_DIS_S,
    OPT_TSX, OPT_L1TF_DOM0, OPT_L1TF_DOMU, NR_SPEC_SWITCHES
};
struct spec_options {
    int8_t on[NR_SPEC_SWITCHES];
    enum spec_thunk thunk;
    bool all_off; /* spec-ctrl=no */
};
#define SPEC_OPTIONS_INIT                                                      \
    {                                                                          \
        .on = {[0 ... NR_SPEC_SWITCHES - 1] = -1 }                             \
    }

struct spec_choice {
    uint32_t bugs; /* SPEC_BUG_* */
    enum spec_thunk thunk;
    bool msr_sc;         /* SPEC_CTRL is kept apart for hypervisor and guest */
    uint32_t host;       /* SPEC_CTRL of the hypervisor */
    uint32_t always;     /* its bits that stay on while a guest runs */
    bool write_on_entry; /* even if the value is there already: old IBRS */
    bool rsb;            /* overwrite return predictions on entry */
    bool ibpb_switch;    /* between vCPUs */
    bool ibpb_entry_domu, ibpb_entry_dom0;
    bool bhb_entry_domu, bhb_entry_dom0;
    bool verw;
    bool tsx_off;
    bool lfence_serial;  /* AMD: LFENCE is to be made a barrier */
    bool l1tf_domu, l1tf_dom0; /* refuse unsafe not-present entries */
    /* What guests see and may set. */
    uint32_t guest_leaf7_edx, guest_ext8_ebx, guest_spec_ctrl;
    uint64_t guest_arch_caps;
    bool guest_pred_cmd;
};

/*
 * Take the value of spec-ctrl=, pv-l1tf= and tsx=. The first names in the log
 * what it does not know or what is without effect here, and takes the rest;
 * the others give 0, or -EINVAL: malformed.
 */
void spec_parse(struct spec_options *o, const char *value);
int spec_parse_l1tf(struct spec_options *o, const char *value);
int spec_parse_tsx(struct spec_options *o, const char *value);

struct spec_choice spec_choose(const struct spec_cpu *c,
                               const struct spec_options *o);
/* The summary in the boot log. */
void spec_report(const struct spec_cpu *c, const struct spec_choice *s);

#endif
