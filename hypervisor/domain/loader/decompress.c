/*
 * Speed decides here, since unpacking the kernel is most of the time from the
 * boot loader to domain 0: input and output are whole buffers, so that zstd
 * and gzip use the output itself as their window and nothing is copied twice.
 * (liblzma always decodes through a dictionary of its own.)
 */
#include "domain/loader/decompress.h"

#define ZSTD_STATIC_LINKING_ONLY
#define ZLIB_CONST
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "lib/errno.h"
#include "lib/string.h"

/*
 * The libraries free without a size, so each block starts with it. 16 bytes
 * keep the alignment.
 */
#define BLOCK_HEADER 16

struct heap {
    const struct image_mem *mem;
    size_t used;
};

static void *heap_alloc(struct heap *heap, size_t count, size_t size)
{
    size_t bytes;
    uint8_t *p;

    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, BLOCK_HEADER, &bytes) ||
        (heap->mem->limit &&
         (bytes > heap->mem->limit || heap->used > heap->mem->limit - bytes)))
        return NULL;
    p = heap->mem->alloc(heap->mem->ctx, bytes);
    if (!p)
        return NULL;
    heap->used += bytes;
    memcpy(p, &bytes, sizeof(bytes));
    return p + BLOCK_HEADER;
}

static void heap_free(struct heap *heap, void *p)
{
    uint8_t *block = p;
    size_t bytes;

    if (!p)
        return;
    block -= BLOCK_HEADER;
    memcpy(&bytes, block, sizeof(bytes));
    heap->used -= bytes;
    heap->mem->free(heap->mem->ctx, block, bytes);
}

static void *xz_alloc(void *heap, size_t count, size_t size)
{
    return heap_alloc(heap, count, size);
}

static void xz_free(void *heap, void *p)
{
    heap_free(heap, p);
}

static void *gzip_alloc(void *heap, unsigned int count, unsigned int size)
{
    return heap_alloc(heap, count, size);
}

static void gzip_free(void *heap, void *p)
{
    heap_free(heap, p);
}

static int fail_corrupt(const char *what, struct image_error *err)
{
    return image_fail(err, EINVAL, "%s data is corrupt or truncated", what);
}

static int fail_size(const char *what, size_t size, struct image_error *err)
{
    return image_fail(err, E2BIG, "%s data unpacks to more than %llu bytes",
                      what, (unsigned long long)size);
}

static int fail_memory(const char *what, struct image_error *err)
{
    return image_fail(err, ENOMEM, "not enough memory to unpack %s data", what);
}

/* What went wrong; xz was stopped with that code. */
static int xz_result(const lzma_stream *xz, lzma_ret code, size_t dst_size,
                     const struct heap *heap, struct image_error *err)
{
    switch (code) {
    case LZMA_OK:
    case LZMA_BUF_ERROR:
        if (!xz->avail_out && xz->avail_in)
            return fail_size("xz", dst_size, err);
        return fail_corrupt("xz", err);
    case LZMA_MEM_ERROR:
        return fail_memory("xz", err);
    case LZMA_MEMLIMIT_ERROR:
        return image_fail(err, ENOMEM,
                          "xz data needs %llu KiB to unpack, limit is %llu KiB",
                          (unsigned long long)(lzma_memusage(xz) >> 10),
                          (unsigned long long)(heap->mem->limit >> 10));
    case LZMA_OPTIONS_ERROR:
        return image_fail(err, EOPNOTSUPP,
                          "xz data uses an unsupported filter or option");
    default:
        return fail_corrupt("xz", err);
    }
}

static int unpack_xz(const void *src, size_t size, void *dst, size_t *dst_size,
                     struct heap *heap, struct image_error *err)
{
    const lzma_allocator allocator = {xz_alloc, xz_free, heap};
    uint64_t limit = heap->mem->limit ? heap->mem->limit : UINT64_MAX;
    lzma_stream xz = {
        .next_in = src,
        .avail_in = size,
        .next_out = dst,
        .avail_out = *dst_size,
        .allocator = &allocator,
    };
    lzma_ret code;
    int rc = 0;

    code = lzma_stream_decoder(&xz, limit, 0);
    /* Ends: a call without progress gives LZMA_BUF_ERROR. */
    while (code == LZMA_OK)
        code = lzma_code(&xz, LZMA_FINISH);
    if (code == LZMA_STREAM_END)
        *dst_size = xz.total_out;
    else
        rc = xz_result(&xz, code, *dst_size, heap, err);
    lzma_end(&xz);
    return rc;
}

static int zstd_result(size_t code, size_t dst_size, struct image_error *err)
{
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_dstSize_tooSmall:
        return fail_size("zstd", dst_size, err);
    case ZSTD_error_memory_allocation:
        return fail_memory("zstd", err);
    case ZSTD_error_dictionary_wrong:
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_version_unsupported:
        return image_fail(err, EOPNOTSUPP,
                          "zstd data uses an unsupported option (error %u)",
                          (unsigned int)ZSTD_getErrorCode(code));
    default:
        return fail_corrupt("zstd", err);
    }
}

/* The decoder's state lies in one block; its window is the output itself. */
static int unpack_zstd(const void *src, size_t size, void *dst,
                       size_t *dst_size, struct heap *heap,
                       struct image_error *err)
{
    size_t space_size = ZSTD_estimateDCtxSize(), frame, out;
    void *space;
    ZSTD_DCtx *ctx;

    frame = ZSTD_findFrameCompressedSize(src, size);
    if (ZSTD_isError(frame))
        return zstd_result(frame, *dst_size, err);
    space = heap_alloc(heap, 1, space_size);
    if (!space)
        return fail_memory("zstd", err);
    ctx = ZSTD_initStaticDCtx(space, space_size);
    if (!ctx) {
        heap_free(heap, space);
        return fail_memory("zstd", err);
    }
    out = ZSTD_decompressDCtx(ctx, dst, *dst_size, src, frame);
    heap_free(heap, space);
    if (ZSTD_isError(out))
        return zstd_result(out, *dst_size, err);
    *dst_size = out;
    return 0;
}

/* zlib counts in 32 bits: feed and drain in pieces below 2 GiB. */
static int gzip_run(z_stream *z, size_t size, size_t dst_size)
{
    const size_t piece = 1u << 30;
    size_t in = size, out = dst_size;

    for (;;) {
        int rc;

        if (!z->avail_in && in) {
            z->avail_in = (unsigned int)min(in, piece);
            in -= z->avail_in;
        }
        if (!z->avail_out && out) {
            z->avail_out = (unsigned int)min(out, piece);
            out -= z->avail_out;
        }
        /* Z_FINISH: inflate need not keep a window of its own. */
        rc = inflate(z, in ? Z_NO_FLUSH : Z_FINISH);
        if (rc == Z_OK || rc == Z_BUF_ERROR) {
            if ((!z->avail_in && in) || (!z->avail_out && out))
                continue;
            return Z_BUF_ERROR;
        }
        return rc;
    }
}

static int unpack_gzip(const void *src, size_t size, void *dst,
                       size_t *dst_size, struct heap *heap,
                       struct image_error *err)
{
    z_stream z = {
        .next_in = src,
        .next_out = dst,
        .zalloc = gzip_alloc,
        .zfree = gzip_free,
        .opaque = heap,
    };
    uint8_t *end;
    bool full;
    int rc;

    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return fail_memory("gzip", err);
    rc = gzip_run(&z, size, *dst_size);
    end = z.next_out;
    full = !z.avail_out && z.avail_in;
    inflateEnd(&z);
    if (rc == Z_STREAM_END) {
        *dst_size = (size_t)(end - (uint8_t *)dst);
        return 0;
    }
    if (rc == Z_MEM_ERROR)
        return fail_memory("gzip", err);
    if (rc == Z_BUF_ERROR && full)
        return fail_size("gzip", *dst_size, err);
    return fail_corrupt("gzip", err);
}

int decompress(enum payload_kind kind, const void *src, size_t size, void *dst,
               size_t *dst_size, const struct image_mem *mem,
               struct image_error *err)
{
    struct heap heap = {.mem = mem};

    switch (kind) {
    case PAYLOAD_XZ:
        return unpack_xz(src, size, dst, dst_size, &heap, err);
    case PAYLOAD_ZSTD:
        return unpack_zstd(src, size, dst, dst_size, &heap, err);
    case PAYLOAD_GZIP:
        return unpack_gzip(src, size, dst, dst_size, &heap, err);
    default:
        return image_fail(err, EOPNOTSUPP, "%s data is not compressed",
                          payload_kind_name(kind));
    }
}
