/* The options spec-ctrl=, pv-l1tf= and tsx= (spec_policy.h). */
#include "arch/x86/spec_policy.h"

#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/string.h"

#define TOKEN_MAX 48

/* One of a list: name, no-name or name=value. */
struct token {
    char text[TOKEN_MAX], *name, *value;
    bool negated;
};

static const char *next_token(struct token *t, const char *s)
{
    const char *end = strchr(s, ',');
    size_t len = end ? (size_t)(end - s) : strlen(s);

    str_copy(t->text, s, min(len + 1, sizeof(t->text)));
    t->negated = !strncmp(t->text, "no-", 3);
    t->name = t->negated ? t->text + 3 : t->text;
    t->value = strchr(t->name, '=');
    if (t->value)
        *t->value++ = 0;
    return end ? end + 1 : NULL;
}

/* 1, 0, or -1: not a boolean. */
static int token_bool(const struct token *t)
{
    int b = param_bool(t->value ? t->value : "");

    if (t->value && (t->negated || !*t->value))
        return -1;
    return t->negated ? 0 : b;
}

/* ---- spec-ctrl= ---- */

enum word_kind {
    WORD_SWITCH,
    WORD_GUEST,  /* a switch, and also =pv, =no-pv, =hvm, =no-hvm */
    WORD_IGNORED /* known, but there is nothing to switch; why */
};
static const struct word {
    const char *name;
    enum word_kind kind;
    enum spec_switch to;
    const char *why;
} words[] = {
    {"msr-sc", WORD_GUEST, OPT_MSR_SC, NULL},
    {"rsb", WORD_GUEST, OPT_RSB, NULL},
    {"md-clear", WORD_GUEST, OPT_MD_CLEAR, NULL},
    {"verw", WORD_GUEST, OPT_MD_CLEAR, NULL},
    {"ibpb-entry", WORD_GUEST, OPT_IBPB_ENTRY, NULL},
    {"bhb-entry", WORD_GUEST, OPT_BHB_ENTRY, NULL},
    {"ibrs", WORD_SWITCH, OPT_IBRS, NULL},
    {"ibpb", WORD_SWITCH, OPT_IBPB, NULL},
    {"stibp", WORD_SWITCH, OPT_STIBP, NULL},
    {"ssbd", WORD_SWITCH, OPT_SSBD, NULL},
    {"psfd", WORD_SWITCH, OPT_PSFD, NULL},
    {"bhi-dis-s", WORD_SWITCH, OPT_BHI_DIS_S, NULL},
    {"hvm", WORD_IGNORED, 0, "there are no HVM guests"},
    {"l1d-flush", WORD_IGNORED, 0, "there are no HVM guests"},
    {"eager-fpu", WORD_IGNORED, 0, "the FPU is always switched"},
    {"branch-harden", WORD_IGNORED, 0, "indices are always masked"},
    {"lock-harden", WORD_IGNORED, 0, "there is no such defence"},
    {"div-scrub", WORD_IGNORED, 0, "there is no such defence"},
    {"bhb-seq", WORD_IGNORED, 0, "there is one sequence"},
    {"srb-lock", WORD_IGNORED, 0, "the microcode's setting stays"},
    {"gds-mit", WORD_IGNORED, 0, "the microcode's setting stays"},
    {"unpriv-mmio", WORD_IGNORED, 0, "md-clear= decides for all guests"},
};

static bool parse_thunk(struct spec_options *o, const char *value)
{
    static const char *const names[] = {"", "retpoline", "lfence", "jmp"};

    for (unsigned i = THUNK_RETPOLINE; i <= THUNK_JMP; i++) {
        if (!strcmp(value, names[i])) {
            o->thunk = i;
            return true;
        }
    }
    return false;
}

/* Everything; what is not of spec-ctrl only as far as it was not asked for. */
static bool all_off(struct spec_options *o)
{
    for (unsigned i = 0; i < NR_SPEC_SWITCHES; i++)
        if (i < OPT_TSX || o->on[i] < 0)
            o->on[i] = i == OPT_TSX;
    o->thunk = THUNK_JMP;
    o->all_off = true;
    return true;
}

/* xen=no: the hypervisor's own, not what guests need for theirs. */
static bool host_off(struct spec_options *o)
{
    for (unsigned i = OPT_MSR_SC + 1; i < OPT_TSX; i++)
        o->on[i] = 0;
    o->thunk = THUNK_JMP;
    return true;
}

static bool set_guests(struct spec_options *o, int b)
{
    if (b < 0)
        return false;
    for (unsigned i = OPT_MSR_SC; i <= OPT_BHB_ENTRY; i++)
        o->on[i] = (int8_t)b;
    return true;
}

static bool set_word(struct spec_options *o, const struct word *w,
                     const struct token *t)
{
    const char *value = w->kind == WORD_GUEST && t->value ? t->value : "";
    int b = token_bool(t);

    if (w->kind == WORD_IGNORED) {
        printk(XENLOG_INFO "spec-ctrl=%s has no effect: %s\n", w->name,
               w->why);
        return true;
    }
    if (!strcmp(value, "hvm") || !strcmp(value, "no-hvm"))
        return true;
    if (!strcmp(value, "pv") || !strcmp(value, "no-pv"))
        b = *value == 'p';
    if (b < 0)
        return false;
    o->on[w->to] = (int8_t)b;
    return true;
}

static bool take_token(struct spec_options *o, const struct token *t)
{
    if (!t->value && !t->negated && *t->name && !param_bool(t->name))
        return all_off(o);
    if (!strcmp(t->name, "xen"))
        return token_bool(t) == 0 && host_off(o);
    if (!strcmp(t->name, "pv"))
        return set_guests(o, token_bool(t));
    if (!strcmp(t->name, "bti-thunk"))
        return t->value && !t->negated && parse_thunk(o, t->value);
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        if (!strcmp(t->name, words[i].name))
            return set_word(o, &words[i], t);
    return false;
}

void spec_parse(struct spec_options *o, const char *s)
{
    struct token t;

    while (s) {
        s = next_token(&t, s);
        if (!take_token(o, &t))
            printk(XENLOG_WARNING "WARNING: option spec-ctrl: bad value "
                                  "\"%s\", ignored\n", t.text);
    }
}

/* ---- the others ---- */

int spec_parse_l1tf(struct spec_options *o, const char *s)
{
    struct token t;

    while (s) {
        bool dom0, domu;
        int b;

        s = next_token(&t, s);
        dom0 = !strcmp(t.name, "dom0");
        domu = !strcmp(t.name, "domu");
        b = dom0 || domu ? token_bool(&t) : param_bool(t.text);
        if (b < 0)
            return -EINVAL;
        if (!domu)
            o->on[OPT_L1TF_DOM0] = (int8_t)b;
        if (!dom0)
            o->on[OPT_L1TF_DOMU] = (int8_t)b;
    }
    return 0;
}

int spec_parse_tsx(struct spec_options *o, const char *s)
{
    int b = param_bool(s);

    if (b < 0)
        return -EINVAL;
    o->on[OPT_TSX] = (int8_t)b;
    return 0;
}
