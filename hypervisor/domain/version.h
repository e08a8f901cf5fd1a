/* What the hypervisor offers to guests, as xen_version tells them. */
#ifndef DOMAIN_VERSION_H
#define DOMAIN_VERSION_H

#include "lib/types.h"

/* Bits XENFEAT_* of submap 0 for a guest that has not asked for any assist. */
uint32_t guest_features(bool hardware);

#endif
