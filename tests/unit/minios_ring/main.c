/*
 * mini-os's shared rings, xenstore's wire and packets: what a hostile peer
 * may put there does no harm.
 */
#include "minios_ring/t.h"

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_fills_and_empties),
        cmocka_unit_test(test_ring_wraps),
        cmocka_unit_test(test_ring_peer_answers_too_much),
        cmocka_unit_test(test_ring_notifies_when_asked),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_ids_that_are_not_in_use),
        cmocka_unit_test(test_wire_in_pieces),
        cmocka_unit_test(test_wire_too_long),
        cmocka_unit_test(test_wire_random),
        cmocka_unit_test(test_wire_strings),
        cmocka_unit_test(test_byte_indices),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_macs),
        cmocka_unit_test(test_arp),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_malformed_packets),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
