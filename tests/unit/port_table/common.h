/* What the tests of the port table share. */
#ifndef PORT_TABLE_COMMON_H
#define PORT_TABLE_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "event/port_table.h"
#include "lib/compiler.h"
#include "lib/errno.h"

/* Allocations still allowed to succeed; -1: all. */
extern long heap_left;
/* Blocks that are allocated and not freed. */
extern long heap_blocks;

/*
 * Checks everything that must hold between operations, in each of n tables
 * (interdomain ports may lead to any of them).
 */
void check_tables(struct port_table *const *t, unsigned n);

/* A port_xen_fn_t that does nothing. */
void xen_fn(struct vcpu *v, evtchn_port_t port);

void test_fresh_table(void **state);
void test_bind_kinds(void **state);
void test_virq_rules(void **state);
void test_interdomain(void **state);
void test_loopback(void **state);
void test_interdomain_refused(void **state);
void test_close_refused(void **state);
void test_set_vcpu_rules(void **state);
void test_priority_rules(void **state);
void test_limits(void **state);
void test_growth(void **state);
void test_lowest_first(void **state);
void test_no_memory(void **state);
void test_closing(void **state);
void test_next_used(void **state);
void test_reuse_is_clean(void **state);
void test_random_against_model(void **state);
void test_explore(void **state);
void test_senders_race(void **state);

#endif
