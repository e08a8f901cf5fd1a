/* Physical interrupts: mapping, binding, sharing, EOI. */
#include "event/world.h"

#include "lib/rangeset.h"

#define LINE 10
#define MSI (GSIS + 5)

static evtchn_port_t bind(unsigned pirq, unsigned flags, long want)
{
    struct evtchn_bind_pirq b = {.pirq = pirq, .flags = flags};

    assert_int_equal(op(EVTCHNOP_bind_pirq, &b), want);
    return b.port;
}

static int map(unsigned d, int gsi, int want)
{
    int pirq = gsi;

    assert_int_equal(pirq_map_gsi(&dom[d], gsi, &pirq), want);
    return pirq;
}

static bool pending(evtchn_port_t n)
{
    return test_bit(n, shared[0].evtchn_pending);
}

static void test_map_gsi(void **state)
{
    int p = -1;

    (void)state;
    assert_int_equal(map(0, LINE, 0), LINE);
    assert_int_equal(map(0, LINE, 0), LINE); /* once more is fine */
    assert_int_equal(pirq_map_gsi(&dom[0], LINE, &p), 0);
    assert_int_equal(p, LINE);
    p = LINE + 1;
    assert_int_equal(pirq_map_gsi(&dom[0], LINE, &p), -EEXIST);
    p = LINE;
    assert_int_equal(pirq_map_gsi(&dom[0], LINE + 2, &p), -EEXIST);
    p = NR_PIRQS;
    assert_int_equal(pirq_map_gsi(&dom[0], LINE + 2, &p), -EINVAL);
    map(0, GSIS, -EINVAL);
    map(0, -1, -EINVAL);
    assert_int_equal(pirq_to_irq(&dom[0], LINE), LINE);
    assert_int_equal(pirq_to_irq(&dom[0], LINE + 1), -1);
    run_as(1, 0);
    map(1, LINE, -EPERM);
}

static void test_bind_refused(void **state)
{
    (void)state;
    bind(LINE, 0, -EPERM); /* not mapped */
    bind(NR_PIRQS, 0, -EINVAL);
    bind(~0u, 0, -EINVAL);
    map(0, LINE, 0);
    bind(LINE, 2, 0); /* an unknown flag is ignored */
    bind(LINE, 0, -EEXIST);
    run_as(1, 0);
    bind(LINE, 0, -EPERM);
    assert_int_equal(dom[1].event->table.in_use, 0);
}

static void test_edge(void **state)
{
    evtchn_port_t n;

    (void)state;
    map(0, 1, 0);
    n = bind(1, 0, 0);
    assert_false(pirq_needs_eoi(&dom[0], 1));
    fire(1);
    assert_true(pending(n));
    assert_int_equal(pirq_guest_eoi(&dom[0], 1), 0);
    assert_int_equal(irqs[1].eois, 0); /* nothing to open */
    assert_int_equal(close_port(n), 0);
    assert_null(irqs[1].fn);
}

static void test_level(void **state)
{
    evtchn_port_t n;

    (void)state;
    irqs[LINE].level = true;
    map(0, LINE, 0);
    n = bind(LINE, 0, 0);
    assert_true(pirq_needs_eoi(&dom[0], LINE));
    /* An EOI before any interrupt: Linux does that when it starts a line. */
    assert_int_equal(pirq_guest_eoi(&dom[0], LINE), 0);
    assert_int_equal(irqs[LINE].eois, 0);
    fire(LINE);
    assert_true(pending(n));
    assert_int_equal(pirq_guest_eoi(&dom[0], LINE), 0);
    assert_int_equal(irqs[LINE].eois, 1);
    assert_int_equal(pirq_guest_eoi(&dom[0], LINE), 0);
    assert_int_equal(irqs[LINE].eois, 1);
    assert_int_equal(pirq_guest_eoi(&dom[0], LINE + 1), -EINVAL);
    assert_int_equal(pirq_guest_eoi(&dom[0], -1), -EINVAL);
    assert_int_equal(pirq_guest_eoi(&dom[0], NR_PIRQS), -EINVAL);
}

static void test_shared_line(void **state)
{
    evtchn_port_t n0, n1;

    (void)state;
    irqs[LINE].level = true;
    map(0, LINE, 0);
    map(1, LINE, 0); /* by domain 0, for domain 1 */
    n0 = bind(LINE, BIND_PIRQ__WILL_SHARE, 0);
    run_as(1, 0);
    bind(LINE, 0, -EBUSY);
    n1 = bind(LINE, BIND_PIRQ__WILL_SHARE, 0);
    assert_true(pirq_shared(&dom[0], LINE));
    fire(LINE);
    assert_true(pending(n0));
    assert_true(test_bit(n1, shared[1].evtchn_pending));
    assert_int_equal(pirq_guest_eoi(&dom[0], LINE), 0);
    assert_int_equal(irqs[LINE].eois, 0); /* one still owes */
    assert_int_equal(pirq_guest_eoi(&dom[1], LINE), 0);
    assert_int_equal(irqs[LINE].eois, 1);
    /* One that owes leaves: the line opens, and stays with the other. */
    fire(LINE);
    assert_int_equal(pirq_guest_eoi(&dom[0], LINE), 0);
    assert_int_equal(close_port(n1), 0);
    assert_int_equal(irqs[LINE].eois, 2);
    assert_non_null(irqs[LINE].fn);
    run_as(0, 0);
    assert_int_equal(close_port(n0), 0);
    assert_null(irqs[LINE].fn);
}

static void driver(unsigned irq, void *data)
{
    (void)irq, (void)data;
}

static void test_owner_is_busy(void **state)
{
    (void)state;
    irqs[LINE].fn = driver;
    map(0, LINE, 0);
    bind(LINE, BIND_PIRQ__WILL_SHARE, -EBUSY);
    assert_int_equal(dom[0].event->table.in_use, 0);
    irqs[LINE].fn = NULL;
    bind(LINE, BIND_PIRQ__WILL_SHARE, 0); /* the failure left nothing */
}

static void test_msi(void **state)
{
    int pirq = -1;
    evtchn_port_t n;

    (void)state;
    irqs[MSI].allocated = true;
    assert_int_equal(pirq_map_msi(&dom[0], MSI, &pirq), 0);
    assert_true(pirq >= GSIS);
    assert_non_null(irqs[MSI].fn); /* so that the device can be programmed */
    assert_true(irqs[MSI].masked);
    n = bind((unsigned)pirq, 0, 0);
    assert_false(irqs[MSI].masked);
    fire(MSI);
    assert_true(pending(n));
    assert_false(pirq_needs_eoi(&dom[0], pirq));
    assert_int_equal(close_port(n), 0);
    assert_true(irqs[MSI].masked);
    assert_non_null(irqs[MSI].fn);
    assert_int_equal(pirq_unmap(&dom[0], pirq), 0);
    assert_true(irqs[MSI].released);
    assert_false(irqs[MSI].allocated);
    assert_int_equal(pirq_unmap(&dom[0], pirq), -EINVAL);
    assert_int_equal(pirq_map_msi(&dom[0], LINE, &pirq), -EINVAL);
    assert_int_equal(pirq_map_msi(&dom[0], NR_PIRQS, &pirq), -EINVAL);
}

/* Unmapped under a port: the port stays, and does not touch a later owner. */
static void test_unmap_while_bound(void **state)
{
    evtchn_port_t old, new;

    (void)state;
    map(0, LINE, 0);
    old = bind(LINE, 0, 0);
    assert_int_equal(pirq_unmap(&dom[0], LINE), 0);
    assert_null(irqs[LINE].fn);
    map(0, LINE, 0);
    new = bind(LINE, 0, 0);
    assert_int_not_equal(old, new);
    assert_int_equal(close_port(old), 0);
    assert_non_null(irqs[LINE].fn);
    fire(LINE);
    assert_true(pending(new));
}

static void test_affinity(void **state)
{
    struct evtchn_bind_vcpu b = {.vcpu = 1};

    (void)state;
    map(0, LINE, 0);
    b.port = bind(LINE, 0, 0);
    assert_int_equal(irqs[LINE].cpu, 0);
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &b), 0);
    assert_int_equal(irqs[LINE].cpu, vcpu[0][1].processor);
}

static void test_eoi_page(void **state)
{
    evtchn_port_t n;

    (void)state;
    irqs[LINE].level = true;
    map(0, LINE, 0);
    map(0, 1, 0);
    n = bind(LINE, 0, 0);
    assert_int_equal(pirq_set_eoi_map(&dom[0], FRAMES - 1, false), -EINVAL);
    assert_int_equal(pirq_set_eoi_map(&dom[0], 2, true), 0);
    assert_int_equal(pirq_set_eoi_map(&dom[0], 2, false), -EBUSY);
    assert_true(test_bit(LINE, page(2)));
    bind(1, 0, 0);
    assert_false(test_bit(1, page(2)));
    /* v1: an EOI unmasks. */
    mask_port(0, n, true);
    fire(LINE);
    assert_int_equal(kicks[0][0], 0);
    assert_int_equal(pirq_guest_eoi(&dom[0], LINE), 0);
    assert_int_equal(kicks[0][0], 1);
    assert_int_equal(close_port(n), 0);
    assert_false(test_bit(LINE, page(2)));
}

static void test_unmask_notify(void **state)
{
    evtchn_port_t n;

    (void)state;
    irqs[LINE].level = true;
    map(0, LINE, 0);
    n = bind(LINE, 0, 0);
    fire(LINE);
    mask_port(0, n, true);
    pirq_eoi_unmasked(&dom[0]);
    assert_int_equal(irqs[LINE].eois, 0);
    mask_port(0, n, false);
    pirq_eoi_unmasked(&dom[0]);
    assert_int_equal(irqs[LINE].eois, 1);
}

static void test_free_numbers(void **state)
{
    int n, pirq;

    (void)state;
    n = pirq_get_free(&dom[0]);
    assert_true(n >= GSIS);
    assert_int_not_equal(pirq_get_free(&dom[0]), n);
    pirq = n;
    assert_int_equal(pirq_map_msi(&dom[0], MSI, &pirq), 0);
    assert_int_equal(pirq, n);
    while ((n = pirq_get_free(&dom[0])) >= 0)
        ;
    assert_int_equal(n, -ENOSPC);
}

const struct CMUnitTest pirq_tests[] = {
    T(test_map_gsi),
    T(test_bind_refused),
    T(test_edge),
    T(test_level),
    T(test_shared_line),
    T(test_owner_is_busy),
    T(test_msi),
    T(test_unmap_while_bound),
    T(test_affinity),
    T(test_eoi_page),
    T(test_unmask_notify),
    T(test_free_numbers),
};
const size_t pirq_tests_num = ARRAY_SIZE(pirq_tests);
