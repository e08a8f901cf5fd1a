/*
 * The block front end: requests of up to 11 pages, each granted to the back
 * end while the request is under way. The back end is not trusted: a response
 * to nothing, or to another operation, ends the device.
 */
#include <blkfront.h>
#include <frontend.h>
#include <ring.h>
#include <xen/io/blkif.h>

#define ENTRIES 32
#define PATIENCE (60 * SECOND_NS)
#define PAGE_SECTORS (PAGE_SIZE / 512)

struct blkfront {
    struct frontend f; /* first */
    struct blk_info info;
    struct ring ring;
    struct id_table ids;
    uint16_t links[ENTRIES];
    struct blk_io *ios[ENTRIES];
    void *page;
    int ring_ref, port; /* 0: none */
    u64 handle;
    volatile int failed;
    int broken; /* it had failed when a suspension came */
};

const struct blk_info *blkfront_info(const struct blkfront *bf)
{
    return &bf->info;
}

/* ---- the end of requests, interrupts off ---- */

static void end_io(struct blk_io *io, int status)
{
    unsigned i;

    for (i = 0; i < io->pages; i++)
        if (gnttab_end(io->refs[i]))
            io->stuck++;
    io->status = status;
}

static void fail_all(struct blkfront *bf)
{
    unsigned i;

    bf->failed = 1;
    for (i = 0; i < ENTRIES; i++)
        if (!id_give(&bf->ids, i))
            end_io(bf->ios[i], -XEN_EIO);
    wake_all(&bf->f.queue);
}

static void give_up(struct blkfront *bf, const char *why)
{
    int state = irq_save();

    if (!bf->failed) {
        print("%s: the back end %s\n", bf->f.dir, why);
        fail_all(bf);
    }
    irq_restore(state);
}

static int error_of(const struct blkif_response *rsp)
{
    if (rsp->status == BLKIF_RSP_OKAY)
        return 0;
    return rsp->status == BLKIF_RSP_EOPNOTSUPP ? -XEN_EOPNOTSUPP : -XEN_EIO;
}

static int take_response(struct blkfront *bf, const struct blkif_response *rsp)
{
    struct blk_io *io;

    if (!id_valid(&bf->ids, rsp->id))
        return -1;
    io = bf->ios[rsp->id];
    if (rsp->operation != io->operation)
        return -1;
    id_give(&bf->ids, rsp->id);
    end_io(io, error_of(rsp));
    return 0;
}

static void take_responses(struct blkfront *bf)
{
    struct blkif_response rsp;
    int ret;

    do {
        while ((ret = ring_response(&bf->ring, &rsp, sizeof(rsp))) > 0)
            if (take_response(bf, &rsp)) {
                ret = -1;
                break;
            }
    } while (!ret && ring_rest(&bf->ring));
    if (ret < 0)
        give_up(bf, "broke the protocol");
}

static void handle_event(unsigned port, void *arg)
{
    struct blkfront *bf = arg;

    (void)port;
    if (!bf->failed)
        take_responses(bf);
    wake_all(&bf->f.queue);
}

/* ---- requests ---- */

static int grant_pages(struct blkfront *bf, struct blk_io *io)
{
    unsigned n = (unsigned)((io->sectors + PAGE_SECTORS - 1) / PAGE_SECTORS);
    int ref;

    for (io->pages = 0; io->pages < n; io->pages++) {
        ref = gnttab_grant(bf->f.peer, (char *)io->buf + io->pages * PAGE_SIZE,
                           io->write);
        if (ref < 0)
            return -1;
        io->refs[io->pages] = ref;
    }
    return 0;
}

static void fill_request(const struct blkfront *bf, struct blkif_request *r,
                         const struct blk_io *io, uint16_t id)
{
    u32 left = io->sectors, n;
    unsigned i;

    r->operation = (uint8_t)io->operation;
    r->nr_segments = (uint8_t)io->pages;
    r->handle = (blkif_vdev_t)bf->handle;
    r->id = id;
    r->sector_number = io->sector;
    for (i = 0; i < io->pages; i++, left -= n) {
        n = left < PAGE_SECTORS ? left : (u32)PAGE_SECTORS;
        r->seg[i].gref = (grant_ref_t)io->refs[i];
        r->seg[i].first_sect = 0;
        r->seg[i].last_sect = (uint8_t)(n - 1);
    }
}

/* operation is set. Interrupts off. */
static int submit(struct blkfront *bf, struct blk_io *io)
{
    uint16_t id;

    if (bf->failed)
        return -XEN_EIO;
    id = id_take(&bf->ids);
    if (id == ID_NONE)
        return -XEN_EAGAIN;
    io->stuck = 0;
    if (grant_pages(bf, io)) {
        id_give(&bf->ids, id);
        end_io(io, -XEN_EAGAIN);
        return -XEN_EAGAIN;
    }
    io->status = BLK_RUNNING;
    bf->ios[id] = io;
    fill_request(bf, ring_request(&bf->ring), io, id);
    if (ring_push(&bf->ring))
        event_send((unsigned)bf->port);
    return 0;
}

static int is_piece(const struct blk_info *info, const struct blk_io *io)
{
    u32 unit = info->sector_size / 512;

    return io->sectors && io->sectors <= BLK_PAGES * PAGE_SECTORS &&
           io->sector <= info->sectors &&
           io->sectors <= info->sectors - io->sector &&
           !(io->sector % unit) && !(io->sectors % unit) &&
           !((u64)io->buf % PAGE_SIZE);
}

/* The same from outside. */
static int submit_one(struct blkfront *bf, struct blk_io *io)
{
    int state, ret;

    frontend_enter(&bf->f);
    state = irq_save();
    ret = submit(bf, io);
    irq_restore(state);
    frontend_exit(&bf->f);
    return ret;
}

int blkfront_start(struct blkfront *bf, struct blk_io *io)
{
    if (!is_piece(&bf->info, io))
        return -XEN_EINVAL;
    if (io->write && bf->info.read_only)
        return -XEN_EROFS;
    io->operation = io->write ? BLKIF_OP_WRITE : BLKIF_OP_READ;
    return submit_one(bf, io);
}

int blkfront_finish(struct blkfront *bf, struct blk_io *io)
{
    u64 deadline = time_ns() + PATIENCE;
    int in_time = 1, state;

    frontend_enter(&bf->f);
    while (io->status == BLK_RUNNING && in_time && !frontend_lost(&bf->f)) {
        state = irq_save();
        if (io->status == BLK_RUNNING && !bf->f.watch.fired)
            in_time = frontend_sleep(&bf->f, deadline);
        irq_restore(state);
    }
    if (io->status == BLK_RUNNING || bf->f.lost)
        give_up(bf, in_time ? "went away" : "does not answer");
    frontend_exit(&bf->f);
    return io->status;
}

int blkfront_flush(struct blkfront *bf)
{
    struct blk_io io;
    int ret;

    if (!bf->info.can_flush)
        return -XEN_EOPNOTSUPP;
    memset(&io, 0, sizeof(io));
    io.operation = BLKIF_OP_FLUSH_DISKCACHE;
    ret = submit_one(bf, &io);
    return ret ? ret : blkfront_finish(bf, &io);
}

/* ---- both ends of life ---- */

static int make_ring(struct blkfront *bf)
{
    bf->page = alloc_page();
    if (!bf->page)
        return frontend_fail(&bf->f, "no memory for its ring");
    ring_init(&bf->ring, bf->page, sizeof(struct blkif_request));
    id_init(&bf->ids, bf->links, ENTRIES);
    bf->ring_ref = gnttab_grant(bf->f.peer, bf->page, 0);
    bf->port = event_alloc(bf->f.peer, handle_event, bf);
    if (bf->ring_ref < 0 || bf->port < 0)
        return frontend_fail(&bf->f, "no grant or no event for its ring");
    return 0;
}

static int publish(struct blkfront *bf)
{
    const char *dir = bf->f.dir;

    if (xenbus_write(0, dir, "ring-ref", "%d", bf->ring_ref) ||
        xenbus_write(0, dir, "event-channel", "%d", bf->port) ||
        xenbus_write(0, dir, "protocol", "x86_64-abi"))
        return frontend_fail(&bf->f, "its ring cannot be told");
    return frontend_switch(&bf->f, XenbusStateInitialised);
}

static int read_info(struct blkfront *bf)
{
    u64 size, info;

    if (frontend_number(&bf->f, "sectors", ~0UL >> 9, &bf->info.sectors) ||
        frontend_number(&bf->f, "sector-size", 65536, &size) ||
        frontend_number(&bf->f, "info", 0xffff, &info))
        return -1;
    if (size < 512 || size & (size - 1) || size > PAGE_SIZE)
        return frontend_fail(&bf->f, "sectors of %lu bytes", size);
    bf->info.sector_size = (u32)size;
    bf->info.read_only = (info & VDISK_READONLY) != 0;
    bf->info.can_flush = frontend_feature(&bf->f, "feature-flush-cache");
    return 0;
}

/* With a back end that awaits us. */
static int connect(struct blkfront *bf)
{
    if (xenbus_read_number(0, bf->f.dir, "virtual-device", 0xffffffff,
                           &bf->handle))
        return frontend_fail(&bf->f, "virtual-device is no number");
    if (make_ring(bf) || publish(bf) ||
        frontend_wait(&bf->f, STATE_BIT(Connected)) || read_info(bf))
        return -1;
    return frontend_switch(&bf->f, XenbusStateConnected);
}

/* What the back end still uses stays out of use. */
static void disconnect(struct blkfront *bf)
{
    int state;

    frontend_leave(&bf->f);
    if (bf->port > 0)
        event_close((unsigned)bf->port);
    state = irq_save();
    if (bf->page)
        fail_all(bf);
    irq_restore(state);
    if (bf->page && (bf->ring_ref <= 0 || !gnttab_end(bf->ring_ref)))
        free_page(bf->page);
    bf->page = NULL;
    bf->port = 0;
}

/* What is under way comes to its end before. */
static void part(struct frontend *f)
{
    struct blkfront *bf = (struct blkfront *)(void *)f;
    u64 deadline = time_ns() + PATIENCE;
    int in_time = 1, state = irq_save();

    while (bf->ids.used && in_time)
        in_time = wait_until(&f->queue, deadline);
    irq_restore(state);
    if (bf->ids.used)
        give_up(bf, "does not answer");
    bf->broken = bf->failed;
    disconnect(bf);
}

static int meet(struct frontend *f)
{
    struct blkfront *bf = (struct blkfront *)(void *)f;

    if (bf->broken)
        return 0;
    if (frontend_find_again(f) || connect(bf)) {
        disconnect(bf);
        return -1;
    }
    bf->failed = 0;
    return 0;
}

static struct blkfront *open_device(unsigned index, char *err, size_t size)
{
    static const struct frontend_driver driver = {part, meet};
    struct blkfront *bf = alloc_cleared(1, sizeof(*bf));

    if (!bf) {
        snprintf(err, size, "no memory for a disk");
    } else if (frontend_find(&bf->f, "device/vbd", index, err, size) ||
               connect(bf)) {
        disconnect(bf);
        release(bf);
        bf = NULL;
    } else {
        frontend_opened(&bf->f, &driver);
    }
    return bf;
}

struct blkfront *blkfront_open(unsigned index, char *err, size_t size)
{
    struct blkfront *bf;

    mutex_lock(&devices_lock);
    bf = open_device(index, err, size);
    mutex_unlock(&devices_lock);
    return bf;
}

void blkfront_close(struct blkfront *bf)
{
    if (!bf)
        return;
    mutex_lock(&devices_lock);
    frontend_closed(&bf->f);
    disconnect(bf);
    mutex_unlock(&devices_lock);
    release(bf);
}
