/*
 * A small machine for room event: two domains of two vCPUs, some guest pages,
 * interrupt lines. Domain 0 is privileged and drives the hardware. Guest
 * addresses are the test's own; address 0 faults.
 */
#ifndef EVENT_WORLD_H
#define EVENT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "event/channel.h"
#include "lib/errno.h"
#include "lib/string.h"

#define DOMAINS 2
#define VCPUS 2
#define FRAMES 160 /* the last one is not domain 0's */
#define GSIS 24

extern struct domain dom[DOMAINS];
extern struct vcpu vcpu[DOMAINS][VCPUS];
extern struct shared_info shared[DOMAINS];

/* What the fakes were called with. */
extern unsigned kicks[DOMAINS][VCPUS], unblocks[DOMAINS][VCPUS];
extern int page_refs[FRAMES]; /* both references of a page, taken - dropped */
extern int preempt_in;        /* give way at the n-th question; 0: never */
extern bool gave_way;
extern s_time_t poll_deadline;

struct fake_irq {
    void (*fn)(unsigned irq, void *data);
    void *data;
    unsigned cpu, eois;
    bool level, masked, allocated, released;
};
extern struct fake_irq irqs[];
void fire(unsigned irq);

int world_setup(void **state);
int world_teardown(void **state);
void run_as(unsigned d, unsigned v);
uint8_t *page(unsigned n); /* contents of a frame */

/* event_channel_op by the vCPU that runs. */
long op(unsigned cmd, void *arg);
long op_compat(void *arg);
int relinquish_step(unsigned d); /* 0 or -ERESTART_PREEMPT */
void kill_domain(unsigned d);

/* Shorthands; each asserts that the operation succeeds. */
evtchn_port_t bind_ipi(unsigned v);
evtchn_port_t bind_virq(unsigned virq, unsigned v);
evtchn_port_t alloc_unbound(unsigned remote);
evtchn_port_t connect_to(unsigned remote, evtchn_port_t port);
long send_on(evtchn_port_t port);
long close_port(evtchn_port_t port);
long unmask(evtchn_port_t port);

/* ---- the guest's side of the 2-level ABI ---- */
bool upcall_of(unsigned d, unsigned v); /* takes the flag */
void mask_port(unsigned d, evtchn_port_t port, bool on);

/* ---- the guest's side of the FIFO ABI ---- */
struct fifo_guest {
    unsigned pages; /* of the event array, given to the hypervisor so far */
    event_word_t *word;
    struct evtchn_fifo_control_block *cb[VCPUS];
    uint32_t ready[VCPUS]; /* queues that it knows to have something */
    uint32_t head[VCPUS][EVTCHN_FIFO_MAX_QUEUES];
};
/* The domain that runs enters the ABI: control blocks, `pages` array pages. */
void fifo_start(struct fifo_guest *g, unsigned pages);
void fifo_expand(struct fifo_guest *g);
/* Next event of a vCPU in the order of priorities; 0: none. */
evtchn_port_t fifo_next(struct fifo_guest *g, unsigned v);

extern const struct CMUnitTest two_level_tests[], ops_tests[], fifo_tests[],
    fifo_race_tests[], pirq_tests[];
extern const size_t two_level_tests_num, ops_tests_num, fifo_tests_num,
    fifo_race_tests_num, pirq_tests_num;
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

#endif
