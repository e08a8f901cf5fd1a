/* The block front end against a disk of 64 sectors. */
#include "minios_drivers/world.h"

#include "minios_drivers/tests.h"

#include <stdlib.h>
#include <string.h>

#include <blkfront.h>
#include <frontend.h>
#include <ring.h>
#include <xen/io/blkif.h>

#define SECTORS 64
#define DIR "device/vbd/0"

static uint8_t disk[SECTORS][512];
static uint8_t *buffer; /* of BLK_PAGES */
static struct blkfront *bf;
static struct blk_io io;
static char err[160];

/* The back end: what it has seen of the ring, and how it misbehaves. */
static struct ring_page *page;
static uint32_t seen;
static int status, quiet, gone;
static void (*twist)(struct blkif_response *rsp);

static void transfer(const struct blkif_request *req)
{
    unsigned i, s;
    uint64_t sector = req->sector_number;

    for (i = 0; i < req->nr_segments; i++)
        for (s = req->seg[i].first_sect; s <= req->seg[i].last_sect; s++) {
            uint8_t *p = world_granted(req->seg[i].gref,
                                       req->operation == BLKIF_OP_READ);

            assert_non_null(p);
            assert_true(sector < SECTORS);
            if (req->operation == BLKIF_OP_READ)
                memcpy(p + s * 512, disk[sector++], 512);
            else
                memcpy(disk[sector++], p + s * 512, 512);
        }
}

static int serve_one(void)
{
    struct blkif_request req;
    struct blkif_response rsp;
    char *entries = (char *)page + 64;

    if (page->req_prod == seen)
        return 0;
    memcpy(&req, entries + seen % 32 * sizeof(req), sizeof(req));
    if (req.operation != BLKIF_OP_FLUSH_DISKCACHE)
        transfer(&req);
    memset(&rsp, 0, sizeof(rsp));
    rsp.id = req.id;
    rsp.operation = req.operation;
    rsp.status = (int16_t)status;
    if (twist)
        twist(&rsp);
    memcpy(entries + seen++ % 32 * sizeof(req), &rsp, sizeof(rsp));
    page->rsp_prod++;
    page->req_event = seen + 1;
    return 1;
}

static int serve(void)
{
    int did = 0;

    if (world_front_state() == XenbusStateInitialised && !page) {
        page = world_granted(world_front_number("ring-ref"), 1);
        assert_non_null(page);
        world_back_state(XenbusStateConnected);
        return 1;
    }
    if (world_front_state() == XenbusStateClosing && page) {
        page = NULL;
        world_back_state(XenbusStateClosing);
        return 1;
    }
    if (world_front_state() == XenbusStateClosed) {
        world_back_state(XenbusStateClosed);
        return 1;
    }
    if (world_begins_anew() && !gone) {
        seen = 0;
        world_back_state(XenbusStateInitWait);
        return 1;
    }
    while (page && !quiet && serve_one())
        did = 1;
    if (did)
        world_event();
    return did;
}

static void begin(void)
{
    page = NULL;
    seen = 0;
    status = quiet = gone = 0;
    twist = NULL;
    free(buffer);
    buffer = aligned_alloc(PAGE_SIZE, BLK_PAGES * PAGE_SIZE);
    memset(&io, 0, sizeof(io));
    io.buf = buffer;
    io.sectors = 8;
    world_begin("device/vbd", serve);
    world_set(DIR, "virtual-device", "51712");
    world_set(BACK, "sectors", "64");
    world_set(BACK, "sector-size", "512");
    world_set(BACK, "info", "0");
    world_set(BACK, "feature-flush-cache", "1");
}

static void open_disk(void)
{
    begin();
    bf = blkfront_open(0, err, sizeof(err));
    if (!bf)
        fail_msg("%s", err);
    assert_int_equal(world_front_state(), XenbusStateConnected);
}

static void close_disk(void)
{
    blkfront_close(bf);
    assert_int_equal(world_front_state(), XenbusStateClosed);
    world_end();
}

static int run(void)
{
    int ret = blkfront_start(bf, &io);

    return ret ? ret : blkfront_finish(bf, &io);
}

static int transfer_sectors(int write, u64 sector, u32 n)
{
    io.write = write;
    io.sector = sector;
    io.sectors = n;
    return run();
}

void test_blk_good(void **state)
{
    unsigned i;

    (void)state;
    open_disk();
    assert_string_equal(world_get(DIR, "protocol"), "x86_64-abi");
    assert_int_equal(blkfront_info(bf)->sectors, 64);
    for (i = 0; i < sizeof(disk); i++)
        disk[i / 512][i % 512] = (uint8_t)(i * 7 + i / 512);
    assert_int_equal(transfer_sectors(0, 0, 64), 0);
    assert_memory_equal(buffer, disk, sizeof(disk));
    assert_int_equal(transfer_sectors(0, 13, 9), 0);
    assert_memory_equal(buffer, disk[13], 9 * 512);
    memset(buffer, 0xab, 512);
    assert_int_equal(transfer_sectors(1, 63, 1), 0);
    assert_memory_equal(disk[63], buffer, 512);
    assert_int_equal(blkfront_flush(bf), 0);
    close_disk();
}

void test_blk_bad_values(void **state)
{
    static const struct {
        const char *node, *value, *says;
    } bad[] = {
        {"sectors", NULL, "the back end's sectors is missing"},
        {"sectors", "many", "sectors is no number that can be"},
        {"sectors", "99999999999999999999", "sectors is no number"},
        {"sector-size", NULL, "sector-size is missing"},
        {"sector-size", "0", "sectors of 0 bytes"},
        {"sector-size", "511", "sectors of 511 bytes"},
        {"sector-size", "1000", "sectors of 1000 bytes"},
        {"sector-size", "8192", "sectors of 8192 bytes"},
        {"sector-size", "131072", "sector-size is no number that can be"},
        {"info", "", "info is no number"},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        begin();
        world_set(BACK, bad[i].node, bad[i].value);
        assert_null(blkfront_open(0, err, sizeof(err)));
        if (!strstr(err, bad[i].says))
            fail_msg("'%s' does not say '%s'", err, bad[i].says);
        world_end();
    }
    begin();
    world_set(DIR, "virtual-device", "xvda");
    assert_null(blkfront_open(0, err, sizeof(err)));
    assert_non_null(strstr(err, "virtual-device is no number"));
    world_end();
}

void test_blk_not_a_piece(void **state)
{
    (void)state;
    open_disk();
    assert_int_equal(transfer_sectors(0, 64, 1), -XEN_EINVAL);
    assert_int_equal(transfer_sectors(0, 63, 2), -XEN_EINVAL);
    assert_int_equal(transfer_sectors(0, ~0UL, 8), -XEN_EINVAL);
    assert_int_equal(transfer_sectors(0, 0, 0), -XEN_EINVAL);
    assert_int_equal(transfer_sectors(0, 0, 89), -XEN_EINVAL);
    assert_int_equal(transfer_sectors(0, 0, ~0U), -XEN_EINVAL);
    io.buf = buffer + 512;
    assert_int_equal(transfer_sectors(0, 0, 8), -XEN_EINVAL);
    close_disk();
    begin();
    world_set(BACK, "sector-size", "4096");
    bf = blkfront_open(0, err, sizeof(err));
    assert_int_equal(transfer_sectors(0, 8, 8), 0);
    assert_int_equal(transfer_sectors(0, 8, 4), -XEN_EINVAL);
    assert_int_equal(transfer_sectors(0, 4, 8), -XEN_EINVAL);
    close_disk();
}

void test_blk_read_only(void **state)
{
    (void)state;
    begin();
    world_set(BACK, "info", "4");
    world_set(BACK, "feature-flush-cache", "0");
    bf = blkfront_open(0, err, sizeof(err));
    assert_true(blkfront_info(bf)->read_only);
    assert_int_equal(transfer_sectors(0, 0, 8), 0);
    assert_int_equal(transfer_sectors(1, 0, 8), -XEN_EROFS);
    assert_int_equal(blkfront_flush(bf), -XEN_EOPNOTSUPP);
    close_disk();
}

/* As many as the ring has, then one too many, then all end. */
void test_blk_many(void **state)
{
    struct blk_io ios[33];
    unsigned i, round;

    (void)state;
    open_disk();
    for (round = 0; round < 5; round++) {
        quiet = 1;
        for (i = 0; i < 33; i++) {
            ios[i] = io;
            ios[i].sectors = 1;
            ios[i].sector = i;
            assert_int_equal(blkfront_start(bf, &ios[i]),
                             i < 32 ? 0 : -XEN_EAGAIN);
        }
        quiet = 0;
        for (i = 32; i-- > 0;)
            assert_int_equal(blkfront_finish(bf, &ios[i]), 0);
    }
    close_disk();
}

void test_blk_errors(void **state)
{
    static const int codes[][2] = {{BLKIF_RSP_ERROR, -XEN_EIO},
                                   {BLKIF_RSP_EOPNOTSUPP, -XEN_EOPNOTSUPP},
                                   {77, -XEN_EIO}};
    unsigned i;

    (void)state;
    open_disk();
    for (i = 0; i < 3; i++) {
        status = codes[i][0];
        assert_int_equal(run(), codes[i][1]);
    }
    status = 0;
    assert_int_equal(run(), 0);
    close_disk();
}

static void wrong_id(struct blkif_response *rsp) { rsp->id = 5; }
static void huge_id(struct blkif_response *rsp) { rsp->id = 1UL << 33; }
static void wrong_operation(struct blkif_response *rsp) { rsp->operation ^= 1; }

static void too_many(struct blkif_response *rsp)
{
    (void)rsp;
    page->rsp_prod += 3;
}

static void backwards(struct blkif_response *rsp)
{
    (void)rsp;
    page->rsp_prod -= 2;
}

void test_blk_hostile(void **state)
{
    static void (*const twists[])(struct blkif_response *) = {
        wrong_id, huge_id, wrong_operation, too_many, backwards,
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(twists) / sizeof(twists[0]); i++) {
        open_disk();
        assert_int_equal(run(), 0);
        twist = twists[i];
        assert_int_equal(run(), -XEN_EIO);
        assert_string_equal(world_output,
                            DIR ": the back end broke the protocol\n");
        assert_int_equal(run(), -XEN_EIO);
        world_event();
        assert_int_equal(blkfront_flush(bf), -XEN_EIO);
        close_disk();
    }
}

static int vanish(void)
{
    if (world_front_state() == XenbusStateConnected && page &&
        page->req_prod != seen) {
        seen = page->req_prod;
        world_set(BACK, "state", NULL);
        world_back_state(XenbusStateClosing);
        return 1;
    }
    return serve();
}

/* Its last deed is an answer. */
static int last_answer(void)
{
    int did = serve();

    if (page && seen)
        world_back_state(XenbusStateClosing);
    return did;
}

static void open_with(int (*back_end)(void))
{
    begin();
    world_begin("device/vbd", back_end);
    world_set(DIR, "virtual-device", "51712");
    world_set(BACK, "sectors", "64");
    world_set(BACK, "sector-size", "512");
    world_set(BACK, "info", "0");
    bf = blkfront_open(0, err, sizeof(err));
    assert_non_null(bf);
}

void test_blk_goes_away(void **state)
{
    (void)state;
    open_disk();
    world_set(BACK, "state", "4");
    quiet = 1; /* never answers */
    assert_int_equal(run(), -XEN_EIO);
    assert_string_equal(world_output, DIR ": the back end does not answer\n");
    close_disk();
    open_with(vanish);
    assert_int_equal(run(), -XEN_EIO);
    assert_string_equal(world_output, DIR ": the back end went away\n");
    close_disk();
    open_with(last_answer);
    assert_int_equal(run(), 0);
    quiet = 1;
    assert_int_equal(run(), -XEN_EIO);
    assert_string_equal(world_output, DIR ": the back end went away\n");
    close_disk();
}

void test_blk_keeps_pages(void **state)
{
    (void)state;
    open_disk();
    world_map_all(1);
    assert_int_equal(transfer_sectors(0, 0, 24), 0);
    assert_int_equal(io.stuck, 3);
    blkfront_close(bf);
    assert_non_null(world_granted(world_front_number("ring-ref"), 1));
    free(world_granted(world_front_number("ring-ref"), 1));
}

/* A request is under way when the suspension comes; others follow it. */
void test_blk_suspend(void **state)
{
    (void)state;
    open_disk();
    memset(buffer, 0x5a, PAGE_SIZE);
    io.write = quiet = 1;
    assert_int_equal(blkfront_start(bf, &io), 0);
    quiet = 0;
    frontends_part();
    assert_int_equal(io.status, 0);
    assert_int_equal(world_front_state(), XenbusStateClosed);
    assert_int_equal(world_grants(), 0);
    world_set(BACK, "sectors", "48"); /* another back end's disk */
    frontends_meet();
    assert_int_equal(world_front_state(), XenbusStateConnected);
    assert_int_equal(blkfront_info(bf)->sectors, 48);
    memset(buffer, 0, PAGE_SIZE);
    assert_int_equal(transfer_sectors(0, 0, 8), 0);
    assert_int_equal(buffer[4095], 0x5a);
    frontends_part(); /* nothing is under way */
    frontends_meet();
    assert_int_equal(transfer_sectors(1, 8, 8), 0);
    assert_string_equal(world_output, "");
    close_disk();
    frontends_part(); /* no device is open */
    frontends_meet();
}

/* What it does not answer before the suspension has failed for good. */
void test_blk_suspend_silent(void **state)
{
    (void)state;
    open_disk();
    quiet = 1;
    assert_int_equal(blkfront_start(bf, &io), 0);
    frontends_part();
    assert_int_equal(io.status, -XEN_EIO);
    assert_string_equal(world_output, DIR ": the back end does not answer\n");
    quiet = 0;
    frontends_meet();
    assert_int_equal(run(), -XEN_EIO);
    close_disk();
}

void test_blk_suspend_for_good(void **state)
{
    (void)state;
    open_disk();
    gone = 1;
    frontends_part();
    frontends_meet();
    assert_string_equal(world_output, "after the suspension: " DIR
                                      ": the back end stays closed\n");
    assert_int_equal(run(), -XEN_EIO);
    blkfront_close(bf);
    world_end();
}
