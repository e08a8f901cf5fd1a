/* Domain 0's first page tables, written by us, then validated as any. */
#ifndef DOMAIN_DOM0_TABLES_H
#define DOMAIN_DOM0_TABLES_H

#include "domain/loader/layout.h"
#include "core/vcpu.h"

/*
 * Fills the table frames of the layout; p2m gives the MFN of each PFN. Tables
 * are mapped read-only, all else read-write.
 */
void dom0_make_tables(const struct pv_layout *l, const uint64_t *p2m);
/* Validates them and makes them v's base pointer. */
void dom0_load_tables(struct vcpu *v, const struct pv_layout *l,
                      const uint64_t *p2m);

#endif
