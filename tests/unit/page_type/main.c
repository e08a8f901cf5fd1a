#include "world.h"

#include <stdio.h>

static int run(const char *name, const struct CMUnitTest *tests)
{
    size_t n = 0;

    while (tests[n].name)
        n++;
    return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}

int main(void)
{
    int bad = 0;

    bad += run("references", refs_tests);
    bad += run("types", types_tests);
    bad += run("level-1 entries", l1_tests);
    bad += run("trees", tree_tests);
    bad += run("preemption", preempt_tests);
    bad += run("entry updates", update_tests);
    bad += run("pins", pin_tests);
    bad += run("descriptors", desc_tests);
    bad += run("TLB", tlb_tests);
    bad += run("audit", audit_tests);
    bad += run("random operations", random_tests);
    bad += run("all reachable states", explore_tests);
    printf("page_type: %s\n", bad ? "FAILED" : "passed");
    return bad != 0;
}
