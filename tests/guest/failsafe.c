/*
 * Returning to selectors that cannot be loaded: the guest's failsafe callback
 * (or a fault in the guest) tells, and the hypervisor lives. Checklist row
 * 47, second part.
 */
#include "guest.h"
const char test_title[] = "bad selectors on return enter the failsafe callback";

static volatile unsigned failsafes;
static bool on_failsafe(struct trap_frame *f)
{
    if (f->vector == VECTOR_FAILSAFE)
        failsafes++;
    return false;
}

static void try_frame(const char *what, uint64_t cs, uint64_t ss, uint64_t rip)
{
    const uint64_t frame[] = {rip, cs, 2, USER_STACK, ss};
    struct trap_frame f;

    memset(&f, 0, sizeof(f));
    run_user_frame(frame, 0, &f);
    print("%s: vector %#lx, error code %#lx, cs %#lx ss %#lx rip %#lx", what,
          f.vector, f.error_code, f.cs, f.ss, f.rip);
    if (f.vector != VECTOR_FAILSAFE && f.vector != 13 && f.vector != 10 &&
        f.vector != 11 && f.vector != 12)
        failure("%s: vector %#lx", what, f.vector);
}

USER_SNIPPET(stop, "int3");

void test_main(void)
{
    struct trap_frame f;

    RUN_USER(stop, 0, &f);
    expect_eq(f.vector, 3);
    trap_hook = on_failsafe;
    try_frame("cs beyond the GDT", 0xfff3, FLAT_USER_SS, USER_CODE);
    try_frame("cs null", 3, FLAT_USER_SS, USER_CODE);
    try_frame("cs of data", FLAT_USER_SS, FLAT_USER_SS, USER_CODE);
    try_frame("cs in no LDT", 0x7, FLAT_USER_SS, USER_CODE);
    try_frame("ss beyond the GDT", FLAT_USER_CS, 0xfffb, USER_CODE);
    try_frame("ss of code", FLAT_USER_CS, FLAT_USER_CS, USER_CODE);
    try_frame("ss in no LDT", FLAT_USER_CS, 0xf, USER_CODE);
    try_frame("cs of the hypervisor", 0xe008 | 3, FLAT_USER_SS, USER_CODE);
    try_frame("ss of the hypervisor", FLAT_USER_CS, 0xe010 | 3, USER_CODE);
    try_frame("rip not canonical", FLAT_USER_CS, FLAT_USER_SS,
              0x800000000000UL);
    try_frame("rip not canonical 2", FLAT_USER_CS, FLAT_USER_SS,
              0x8000000000000000UL);
    print("%u failsafe callbacks", failsafes);
    /* Everything still works. */
    trap_hook = NULL;
    RUN_USER(stop, 0, &f);
    expect_eq(f.vector, 3);
}
