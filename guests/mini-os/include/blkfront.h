/*
 * The block front end. Sectors are of 512 bytes, whatever the disk's own
 * size is. Threads only, interrupts on; several may have requests under way.
 * Errors are negative XEN_E... numbers.
 */
#ifndef BLKFRONT_H
#define BLKFRONT_H

#include <mini-os.h>

#define BLK_PAGES 11 /* at most, of one request's buffer */

struct blkfront;

struct blk_info {
    u64 sectors;
    u32 sector_size; /* bytes: what a request must be a multiple of */
    int read_only, can_flush;
};

/*
 * One request. The caller fills in the first four members, and leaves the
 * structure and the buffer alone until status is not BLK_RUNNING.
 */
struct blk_io {
    int write;
    u64 sector;
    u32 sectors;
    void *buf; /* begins on a page */
    volatile int status;
    /* Pages that the back end still uses after a failure: never free them. */
    unsigned stuck;
    unsigned operation, pages;
    int refs[BLK_PAGES];
};
#define BLK_RUNNING 1

/*
 * The index-th disk, counted from 0 in the order of xenstore's device/vbd,
 * connected. Null: err, of size bytes, says why in a line.
 */
struct blkfront *blkfront_open(unsigned index, char *err, size_t size);
const struct blk_info *blkfront_info(const struct blkfront *bf);
/*
 * Begins a request. 0; -XEN_EINVAL: not such a piece of this disk;
 * -XEN_EROFS; -XEN_EAGAIN: too much is under way; -XEN_EIO: the back end went
 * away or broke the protocol, and blkfront_close is all that is left.
 */
int blkfront_start(struct blkfront *bf, struct blk_io *io);
/*
 * Waits for its end, a minute at most (the device has failed then). 0,
 * -XEN_EIO, or -XEN_EOPNOTSUPP.
 */
int blkfront_finish(struct blkfront *bf, struct blk_io *io);
/* All that has been written is on the disk. 0 or as above. */
int blkfront_flush(struct blkfront *bf);
/* Takes leave of the back end; requests under way have failed then. */
void blkfront_close(struct blkfront *bf);

#endif
