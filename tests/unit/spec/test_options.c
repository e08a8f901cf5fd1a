/* The words of spec-ctrl=, pv-l1tf= and tsx=. */
#include "spec_tests.h"

#include <string.h>

#include "lib/errno.h"

static struct spec_options o;

static void parse(const char *value)
{
    o = (struct spec_options)SPEC_OPTIONS_INIT;
    log_reset();
    spec_parse(&o, value);
}

static void parse_well(const char *value)
{
    parse(value);
    assert_string_equal(log_text, "");
}

void test_words(void **state)
{
    (void)state;
    parse_well("ibrs=no,stibp=1,no-ssbd,rsb");
    assert_int_equal(o.on[OPT_IBRS], 0);
    assert_int_equal(o.on[OPT_STIBP], 1);
    assert_int_equal(o.on[OPT_SSBD], 0);
    assert_int_equal(o.on[OPT_RSB], 1);
    assert_int_equal(o.on[OPT_IBPB], -1);
    assert_false(o.all_off);
    parse_well("msr-sc=no-pv,md-clear=pv,rsb=hvm");
    assert_int_equal(o.on[OPT_MSR_SC], 0);
    assert_int_equal(o.on[OPT_MD_CLEAR], 1);
    assert_int_equal(o.on[OPT_RSB], -1);
    parse_well("pv=no,verw");
    assert_int_equal(o.on[OPT_MSR_SC], 0);
    assert_int_equal(o.on[OPT_BHB_ENTRY], 0);
    assert_int_equal(o.on[OPT_MD_CLEAR], 1);
    assert_int_equal(o.on[OPT_IBRS], -1);
    parse_well("bti-thunk=jmp");
    assert_int_equal(o.thunk, THUNK_JMP);
    parse_well("no-xen");
    assert_int_equal(o.on[OPT_MSR_SC], -1);
    assert_int_equal(o.on[OPT_PSFD], 0);
    assert_int_equal(o.on[OPT_TSX], -1);
    assert_false(o.all_off);
    parse_well("off");
    assert_true(o.all_off);
    assert_int_equal(o.on[OPT_TSX], 1);
    parse("l1d-flush=no,branch-harden,hvm=0,unpriv-mmio,eager-fpu");
    assert_non_null(strstr(log_text, "l1d-flush has no effect: "));
    assert_non_null(strstr(log_text, "branch-harden has no effect: "));
    assert_null(strstr(log_text, "WARNING"));
}

/* Named in the log; what stands beside them is taken. */
void test_bad_words(void **state)
{
    static const char *const bad[] = {
        "frob", "ibrs=maybe", "no-ibrs=1", "bti-thunk=call", "no-bti-thunk",
        "bti-thunk", "yes", "xen", "xen=1", "ibrs=", "pv=lots", "ibrs=pv", "",
        "no-no", "a-word-that-is-longer-than-any-that-could-be-meant-here",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct spec_options none = SPEC_OPTIONS_INIT;
        char line[128] = "ssbd,";

        parse(bad[i]);
        if (!strstr(log_text, "WARNING: option spec-ctrl: bad value"))
            fail_msg("%s is taken", bad[i]);
        assert_memory_equal(&o, &none, sizeof(o));
        strcat(line, bad[i]);
        strcat(line, ",no-ibpb");
        parse(line);
        assert_int_equal(o.on[OPT_SSBD], 1);
        assert_int_equal(o.on[OPT_IBPB], 0);
        assert_non_null(strstr(log_text, "WARNING"));
    }
}

static int l1tf(const char *value)
{
    o = (struct spec_options)SPEC_OPTIONS_INIT;
    return spec_parse_l1tf(&o, value);
}

void test_l1tf_words(void **state)
{
    (void)state;
    assert_int_equal(l1tf(""), 0);
    assert_true(o.on[OPT_L1TF_DOM0] == 1 && o.on[OPT_L1TF_DOMU] == 1);
    assert_int_equal(l1tf("no"), 0);
    assert_true(o.on[OPT_L1TF_DOM0] == 0 && o.on[OPT_L1TF_DOMU] == 0);
    assert_int_equal(l1tf("dom0=on"), 0);
    assert_true(o.on[OPT_L1TF_DOM0] == 1 && o.on[OPT_L1TF_DOMU] == -1);
    assert_int_equal(l1tf("dom0,domu=0"), 0);
    assert_true(o.on[OPT_L1TF_DOM0] == 1 && o.on[OPT_L1TF_DOMU] == 0);
    assert_int_equal(l1tf("lots"), -EINVAL);
    assert_int_equal(l1tf("dom0=maybe"), -EINVAL);
    assert_int_equal(l1tf("domu=1,dom1=1"), -EINVAL);
    /* An explicit one outlives spec-ctrl=no, in either order. */
    assert_int_equal(l1tf("domu=1"), 0);
    spec_parse(&o, "no");
    assert_true(o.on[OPT_L1TF_DOM0] == 0 && o.on[OPT_L1TF_DOMU] == 1);
}

void test_tsx_words(void **state)
{
    (void)state;
    o = (struct spec_options)SPEC_OPTIONS_INIT;
    assert_int_equal(spec_parse_tsx(&o, "maybe"), -EINVAL);
    assert_int_equal(o.on[OPT_TSX], -1);
    assert_int_equal(spec_parse_tsx(&o, "0"), 0);
    assert_true(spec_choose(cpu_named("cascade-lake"), &o).tsx_off);
    assert_int_equal(spec_parse_tsx(&o, "1"), 0);
    assert_false(spec_choose(cpu_named("cascade-lake"), &o).tsx_off);
    assert_true(spec_choose(cpu_named("cascade-lake"), &o).verw);
}
