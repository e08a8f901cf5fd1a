/* Shared by the tests of grants and their handles. */
#ifndef GRANT_T_H
#define GRANT_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "grant/active.h"
#include "grant/maptrack.h"

#define READ  true
#define WRITE false

/* Heap of the tests: allocations left (-1: no limit), blocks in use. */
extern long heap_left, heap_blocks;

static inline uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005UL + 1442695040888963407UL;
    return (uint32_t)(*seed >> 33);
}

void test_grant_rules(void **state);
void test_second_pin(void **state);
void test_marks(void **state);
void test_guest_changes_entry(void **state);
void test_pin_limit(void **state);
void test_swap(void **state);
void test_transfer(void **state);
void test_active_random(void **state);
void test_active_explore(void **state);
void test_handles(void **state);
void test_handle_limits(void **state);
void test_claim_next(void **state);
void test_handles_random(void **state);
void test_handles_explore(void **state);

#endif
