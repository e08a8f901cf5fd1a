/*
 * Grant tables, version 1: a domain lends frames of its own to other domains.
 * docs/grant-tables.md is the long form; the hypercall is in grant/op.c.
 */
#ifndef GRANT_GRANT_H
#define GRANT_GRANT_H

#include "core/domain.h"

/*
 * Has the domain mapped this frame by a grant? (Looks at all its mappings:
 * for debug checks and rare operations.)
 */
bool grant_maps_frame(struct domain *d, mfn_t m);

#endif
