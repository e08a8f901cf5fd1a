/*
 * One grant: the entry that the guest shares with us, and what we keep about
 * it. Pure: no hardware, no locks; the caller holds the table's lock.
 *
 * A reference is *pinned* while somebody else uses the frame: each mapping and
 * each copy in progress is one pin, for reading or for writing. The first pin
 * fixes domain and frame; until the last one goes they are what active_entry
 * says, whatever the guest writes into its entry meanwhile. Towards the guest
 * GTF_reading is set while there is a pin, GTF_writing while there is one for
 * writing: it must not withdraw or reuse such an entry.
 *
 * Results are the ABI's GNTST_*.
 */
#ifndef GRANT_ACTIVE_H
#define GRANT_ACTIVE_H

#include "lib/compiler.h"
#include "lib/types.h"
#include <xen/xen.h>
#include <xen/grant_table.h>

struct active_entry {
    uint32_t frame; /* machine frame; valid while pinned */
    domid_t domid;  /* pinned for; valid while pinned */
    uint16_t unused;
    uint32_t readers, writers; /* pins */
};
_Static_assert(sizeof(struct active_entry) == 16, "two for a shared entry");

/* Pins of a kind that an entry can have. */
#define PIN_MAX 0x7fffffffu
/* How often a change of the entry is tried while the guest changes it too. */
#define PIN_TRIES 8

static inline bool active_in_use(const struct active_entry *a)
{
    return (a->readers | a->writers) != 0;
}

/*
 * Pins the entry for domain `who`. GNTST_general_error: the entry is no grant
 * of access to `who`, or not for writing, or the guest never stops changing
 * it; GNTST_no_space: PIN_MAX reached. On success a->frame is the frame.
 */
int active_pin(struct active_entry *a, grant_entry_v1_t *shared, domid_t who,
               bool readonly);
/* Drops one pin of that kind. */
void active_unpin(struct active_entry *a, grant_entry_v1_t *shared,
                  bool readonly);

/*
 * Exchanges two grants. GNTST_eagain: one of them is pinned.
 */
int active_swap(const struct active_entry *a, grant_entry_v1_t *shared_a,
                const struct active_entry *b, grant_entry_v1_t *shared_b);

/*
 * Transfers: would the entry accept a frame from domain `from`? Then commit,
 * after which an honest guest leaves it alone until it is complete. False: it
 * does not, or the guest never stops changing it.
 */
bool active_accepts_transfer(const grant_entry_v1_t *shared, domid_t from);
bool active_commit_transfer(grant_entry_v1_t *shared, domid_t from);
/* Writes the frame, then says so. Gives what the guest had there: the PFN. */
uint32_t active_complete_transfer(grant_entry_v1_t *shared, uint32_t frame);

#endif
