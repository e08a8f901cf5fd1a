/*
 * A disk's throughput: sequential and random, written and read, every sector
 * with a pattern that tells where it belongs. A read-only disk is read and
 * must hold the pattern, so that one guest can check what another wrote.
 *
 *   disk=N   the N-th disk (0)
 *   kib=N    its first N KiB (all, at most 16 MiB)
 *   rounds=N all of it so many times (1)
 */
#include <apps.h>
#include <blkfront.h>
#include <xen-guest.h>

#define DEPTH 4
#define PIECE 64U /* sectors of a sequential request */
#define SMALL 8U  /* of a random one */

static struct run {
    struct blkfront *disk;
    char *buffers;
    struct blk_io io[DEPTH];
    u64 sectors;
    u32 random;
    int error;
    u64 bad;
} run;

static u64 pattern(u64 sector, unsigned word)
{
    return (sector * 64 + word + 1) * 0x9e3779b97f4a7c15UL;
}

static void fill(const struct blk_io *io)
{
    u64 *word = io->buf, i;

    for (i = 0; i < io->sectors * 64UL; i++)
        word[i] = pattern(io->sector + i / 64, i % 64);
}

static void verify(const struct blk_io *io)
{
    const u64 *word = io->buf;
    u64 i;

    for (i = 0; i < io->sectors * 64UL; i++)
        if (word[i] != pattern(io->sector + i / 64, i % 64)) {
            if (!run.bad++)
                print("blkbench: sector %lu is not what was written\n",
                      io->sector + i / 64);
            return;
        }
}

static void end_one(struct blk_io *io)
{
    int ret;

    if (!io->sectors)
        return;
    ret = blkfront_finish(run.disk, io);
    if (!ret && !io->write)
        verify(io);
    if (ret && !run.error) {
        run.error = ret;
        print("blkbench: %s of sector %lu failed (%d)\n",
              io->write ? "write" : "read", io->sector, ret);
    }
    io->sectors = 0;
}

static void begin_one(struct blk_io *io, u64 sector, u32 sectors, int write)
{
    int ret;

    io->write = write;
    io->sector = sector;
    io->sectors = sectors;
    if (write)
        fill(io);
    ret = blkfront_start(run.disk, io);
    if (ret) {
        print("blkbench: no request for sector %lu (%d)\n", sector, ret);
        run.error = ret;
        io->sectors = 0;
    }
}

static u64 next_sector(u64 i, u32 sectors, int random)
{
    if (!random)
        return i * sectors;
    run.random = run.random * 1664525 + 1013904223;
    return (run.random >> 8) % (run.sectors / sectors) * sectors;
}

static void phase(const char *what, u32 sectors, int write, int random)
{
    u64 count = run.sectors / sectors, i, ns, tsc;

    ns = time_ns();
    tsc = read_tsc();
    for (i = 0; i < count && !run.error; i++) {
        end_one(&run.io[i % DEPTH]);
        begin_one(&run.io[i % DEPTH], next_sector(i, sectors, random), sectors,
                  write);
    }
    for (i = 0; i < DEPTH; i++)
        end_one(&run.io[i]);
    tsc = read_tsc() - tsc;
    ns = time_ns() - ns;
    if (!run.error)
        print("blkbench: %s: %lu requests of %u KiB, %lu KiB/s, "
              "%lu cycles each\n", what, count, sectors / 2,
              count * sectors * 500000000UL / (ns + 1), tsc / count);
}

static int open_disk(void)
{
    char err[160];
    const struct blk_info *info;
    u64 limit;
    unsigned i;

    run.disk = blkfront_open((unsigned)number_option("disk", 255, 0), err,
                             sizeof(err));
    if (!run.disk) {
        print("blkbench: %s\n", err);
        return -1;
    }
    info = blkfront_info(run.disk);
    print("blkbench: %lu KiB in sectors of %u, %s%s\n", info->sectors / 2,
          info->sector_size, info->read_only ? "read-only" : "writable",
          info->can_flush ? ", flushes" : "");
    limit = 2 * number_option("kib", 1UL << 40, 16384);
    run.sectors = info->sectors < limit ? info->sectors : limit;
    run.sectors -= run.sectors % PIECE;
    run.buffers = alloc((DEPTH * PIECE * 512UL) + PAGE_SIZE);
    if (!run.sectors || !run.buffers) {
        print("blkbench: %s\n", run.sectors ? "too little memory"
                                            : "less than 32 KiB to work on");
        return -1;
    }
    for (i = 0; i < DEPTH; i++)
        run.io[i].buf = (void *)(((u64)run.buffers + PAGE_SIZE - 1 +
                                  i * PIECE * 512UL) & ~(PAGE_SIZE - 1));
    return 0;
}

static void write_and_flush(void)
{
    int ret;

    phase("sequential write", PIECE, 1, 0);
    phase("random write", SMALL, 1, 1);
    if (run.error || !blkfront_info(run.disk)->can_flush)
        return;
    ret = blkfront_flush(run.disk);
    print("blkbench: flush: %s (%d)\n", ret ? "failed" : "done", ret);
    run.error = ret;
}

static void measure(void)
{
    if (!blkfront_info(run.disk)->read_only)
        write_and_flush();
    phase("sequential read", PIECE, 0, 0);
    phase("random read", SMALL, 0, 1);
}

static void tell(void)
{
    if (!run.error && !run.bad)
        print("blkbench: all %lu KiB hold the pattern\n", run.sectors / 2);
    else
        print("blkbench: FAILED, error %d, %lu bad requests\n", run.error,
              run.bad);
}

void app_blkbench(void)
{
    u64 rounds = number_option("rounds", 1000000, 1);

    if (!open_disk()) {
        while (rounds-- && !run.error)
            measure();
        tell();
    }
    blkfront_close(run.disk);
    print("blkbench: closed\n");
}
