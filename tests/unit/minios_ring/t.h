/* mini-os's pure parts of its drivers; see main.c. */
#ifndef MINIOS_RING_T_H
#define MINIOS_RING_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void test_ring_fills_and_empties(void **state);
void test_ring_wraps(void **state);
void test_ring_peer_answers_too_much(void **state);
void test_ring_notifies_when_asked(void **state);
void test_ids(void **state);
void test_ids_that_are_not_in_use(void **state);
void test_wire_in_pieces(void **state);
void test_wire_too_long(void **state);
void test_wire_random(void **state);
void test_wire_strings(void **state);
void test_byte_indices(void **state);
void test_numbers(void **state);
void test_macs(void **state);
void test_arp(void **state);
void test_echo(void **state);
void test_malformed_packets(void **state);
void test_addresses(void **state);

#endif
