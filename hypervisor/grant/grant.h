/*
 * Grant tables, version 1: a domain lends frames of its own to other domains.
 * docs/grant-tables.md is the long form; the hypercall is in grant/op.c.
 */
#ifndef GRANT_GRANT_H
#define GRANT_GRANT_H

#include "core/domain.h"

/*
 * Frame `index` of the domain's grant table (XENMAPSPACE_grant_table); the
 * table grows if need be. -EINVAL: beyond its limit, -ENOMEM.
 */
int grant_table_frame(struct domain *d, unsigned index, mfn_t *m);
/*
 * Has the domain mapped this frame by a grant? (Looks at all its mappings:
 * for debug checks and rare operations.)
 */
bool grant_maps_frame(struct domain *d, mfn_t m);
/*
 * Limits for a domain that has not run yet: frames of its table, pages of its
 * handles; 0 keeps a default. -EINVAL: too many, or more in use; -ENOMEM.
 */
int grant_set_limits(struct domain *d, unsigned frames, unsigned handles);

#endif
