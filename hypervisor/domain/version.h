/* What the hypervisor offers to guests, as xen_version tells them. */
#ifndef DOMAIN_VERSION_H
#define DOMAIN_VERSION_H

#include "lib/types.h"
#include <xen/xen.h>

/* Bits XENFEAT_* of submap 0 for a guest that has not asked for any assist. */
uint32_t guest_features(bool hardware);

/*
 * Assists that are there: those for 32-bit segments and tables mean nothing to
 * a 64-bit guest and are taken as they are. m2p_strict is not: the M2P table
 * is readable in user mode as well.
 */
#define ASSIST(name) (1UL << VMASST_TYPE_##name)
#define GUEST_ASSISTS                                                          \
    (ASSIST(4gb_segments) | ASSIST(4gb_segments_notify) |                      \
     ASSIST(writable_pagetables) | ASSIST(pae_extended_cr3) |                  \
     ASSIST(architectural_iopl) | ASSIST(runstate_update_flag))

#endif
