/* Disks and network interfaces between a guest and domain 0's drivers. */
#ifndef XENO_DEVICE_H
#define XENO_DEVICE_H

#include "guest.h"
#include "xeno.h"

/*
 * Makes both sides' nodes; what must be ready before the guest looks (a loop
 * device, a bridge) is made too. 0 or -errno with the text set; what was made
 * device_remove_all takes away.
 */
int device_add_disk(struct xeno *x, uint32_t id, const struct guest_disk *d);
int device_add_vif(struct xeno *x, uint32_t id, unsigned number,
                   const struct guest_vif *v);
/* Closes the back ends of a guest that is gone and gives back their devices. */
void device_remove_all(struct xeno *x, uint32_t id);

#endif
