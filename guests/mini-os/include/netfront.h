/*
 * The network front end: raw Ethernet frames over the two rings shared with
 * a back end. Frames go out whole and come in whole; a frame is at most
 * NETFRONT_FRAME bytes, without its checksum at the end.
 *
 * Ownership: netfront copies. A frame passed to netfront_send may be changed
 * once that returns; netfront_receive's buffer is the caller's throughout.
 * Contexts: threads only, interrupts on. One thread may send while another
 * receives; two that do the same take turns by their own means.
 * Errors are negative XEN_E... numbers of xen/errno.h.
 */
#ifndef NETFRONT_H
#define NETFRONT_H

#include <mini-os.h>

#define NETFRONT_FRAME 1514

struct netfront;

/*
 * The index-th network device of this domain, counted from 0 in the order of
 * xenstore's device/vif, connected to its back end. Null: err, of size bytes,
 * says why in a line (no such device, no xenstore, a broken value, a back end
 * that does not come up within a minute).
 */
struct netfront *netfront_open(unsigned index, char *err, size_t size);
/* The same among the devices in another directory of xenstore. */
struct netfront *netfront_open_in(const char *dir, unsigned index, char *err,
                                  size_t size);
/* The six bytes of its address, valid until netfront_close. */
const u8 *netfront_mac(struct netfront *nf);
/*
 * Sends a frame of len bytes, 14 to NETFRONT_FRAME. Waits up to a second for
 * room. 0; -XEN_EINVAL: length; -XEN_EAGAIN: no room; -XEN_EIO: the back end
 * went away or broke the protocol, and netfront_close is all that is left.
 */
int netfront_send(struct netfront *nf, const void *frame, size_t len);
/*
 * The next frame, cut off at size bytes. More than 0: its length; 0: none
 * there; -XEN_EIO: as above. Never sleeps. The frame's contents are whatever
 * the network sent: nothing in them has been checked.
 */
int netfront_receive(struct netfront *nf, void *buf, size_t size);
/*
 * Sleeps until a frame is there, the device fails, or time_ns() reaches
 * deadline_ns, by up to a timer tick (10 ms) later. 1: netfront_receive has
 * something to say; 0: the time is over.
 */
int netfront_wait(struct netfront *nf, u64 deadline_ns);
/* Takes leave of the back end and frees all; null is nothing to do. */
void netfront_close(struct netfront *nf);

struct netfront_counts {
    u64 sent, received, send_errors, receive_errors;
    int flips; /* pages are flipped, not copied, on receive */
};
void netfront_counts(struct netfront *nf, struct netfront_counts *counts);

#endif
