/*
 * What xl keeps of each guest beside xenstore: its configuration as JSON, in
 * the form of libxl's structures (/var/lib/xen/userdata-d.ID.UUID.libxl-json).
 * Where there is no such directory there is no xl, and nothing is kept.
 *
 * Changes are made under libxl's own lock. They are for the record alone: a
 * failure is no reason to undo what is done, so none is reported.
 */
#ifndef XENO_RECORD_H
#define XENO_RECORD_H

#include "guest.h"
#include "xeno.h"

#include <json-c/json.h>

/* The structure of a guest, or of a part; the caller frees it. */
json_object *record_of(const struct guest *g);
json_object *record_of_disk(const struct guest_disk *d);
json_object *record_of_vif(const struct guest_vif *v);
/* Keeps a new guest's; 0 or -errno with the text set. */
int record_write(struct xeno *x, uint32_t id, const struct guest *g);
/* What is kept of a domain, which the caller frees, or NULL. */
json_object *record_read(uint32_t id, const uint8_t uuid[16]);
void record_forget(uint32_t id, const uint8_t uuid[16]);

void record_add_disk(uint32_t id, const uint8_t uuid[16],
                     const struct guest_disk *d);
void record_add_vif(uint32_t id, const uint8_t uuid[16],
                    const struct guest_vif *v);
void record_remove_disk(uint32_t id, const uint8_t uuid[16], unsigned number);
void record_remove_vif(uint32_t id, const uint8_t uuid[16], unsigned number);

#endif
