/*
 * The few C library symbols that liblzma.a, libzstd.a and libz.a refer to
 * beyond memcpy and its like. Memory comes from decompress.c's callbacks, so
 * the allocator below can never be asked for any; and some big parts of the
 * archives are replaced by small ones, so that the linker leaves them out:
 *
 *  - the decoders for zstd formats older than 1.0 (never used for kernels),
 *  - the table-driven CRC64, whose choice of implementation needs a
 *    constructor (kernels use CRC32; xz -C crc64 still works, just slower),
 *  - zlib's CRC32 with its tables: liblzma's computes the same.
 */
#if !__STDC_HOSTED__
#include "domain/loader/libc_shim.h"

#include "lib/compiler.h"

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void free(void *p);
unsigned long long ZSTD_trace_decompress_begin(const void *ctx);
void ZSTD_trace_decompress_end(unsigned long long trace, const void *what);
void __stack_chk_fail(void);
uint32_t lzma_crc32(const uint8_t *buf, size_t size, uint32_t crc);
uint64_t lzma_crc64(const uint8_t *buf, size_t size, uint64_t crc);
unsigned long crc32(unsigned long crc, const uint8_t *buf, unsigned int size);

const uint64_t libc_shim_tls[8] = {[5] = 0xb5d1c7a94e002f63};

void *malloc(size_t size)
{
    (void)size;
    return NULL;
}

void *calloc(size_t n, size_t size)
{
    (void)n;
    (void)size;
    return NULL;
}

void free(void *p)
{
    BUG_ON(p);
}

void __stack_chk_fail(void)
{
    bug_at(__FILE__, __LINE__, "stack overrun in a decompressor");
}

/* Weak references to tracing hooks; 0 = this one is not traced. */
unsigned long long ZSTD_trace_decompress_begin(const void *ctx)
{
    (void)ctx;
    return 0;
}

void ZSTD_trace_decompress_end(unsigned long long trace, const void *what)
{
    (void)trace;
    (void)what;
}

/* The reflected ECMA-182 polynomial, bit by bit. */
uint64_t lzma_crc64(const uint8_t *buf, size_t size, uint64_t crc)
{
    crc = ~crc;
    while (size--) {
        crc ^= *buf++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (-(crc & 1) & 0xc96c5795d7870f42);
    }
    return ~crc;
}

unsigned long crc32(unsigned long crc, const uint8_t *buf, unsigned int size)
{
    return buf ? lzma_crc32(buf, size, (uint32_t)crc) : 0;
}

/*
 * libzstd's entry points for its old formats. zstd error codes are negative;
 * 12 is "version unsupported". All return it, or NULL where an object is made.
 */
#define OLD_ZSTD_FAILS(name)                                                   \
    size_t name(void);                                                         \
    size_t name(void)                                                          \
    {                                                                          \
        return (size_t)-12;                                                    \
    }
#define OLD_ZSTD_NULL(name)                                                    \
    void *name(void);                                                          \
    void *name(void)                                                           \
    {                                                                          \
        return NULL;                                                           \
    }
/* Fills in what a frame measures: both sizes are out-parameters. */
#define OLD_ZSTD_SIZE(name)                                                    \
    void name(const void *src, size_t size, size_t *packed,                    \
              unsigned long long *bound);                                      \
    void name(const void *src, size_t size, size_t *packed,                    \
              unsigned long long *bound)                                       \
    {                                                                          \
        (void)src;                                                             \
        (void)size;                                                            \
        *packed = (size_t)-12;                                                 \
        *bound = -2ull;                                                        \
    }
#define OLD_ZSTD(v)                                                            \
    OLD_ZSTD_NULL(ZBUFF##v##_createDCtx)                                       \
    OLD_ZSTD_FAILS(ZBUFF##v##_freeDCtx)                                        \
    OLD_ZSTD_FAILS(ZBUFF##v##_decompressContinue)                              \
    OLD_ZSTD_FAILS(ZBUFF##v##_decompressInitDictionary)                        \
    OLD_ZSTD_NULL(ZSTD##v##_createDCtx)                                        \
    OLD_ZSTD_FAILS(ZSTD##v##_freeDCtx)                                         \
    OLD_ZSTD_FAILS(ZSTD##v##_decompress_usingDict)                             \
    OLD_ZSTD_FAILS(ZSTD##v##_getFrameParams)                                   \
    OLD_ZSTD_SIZE(ZSTD##v##_findFrameSizeInfoLegacy)

OLD_ZSTD(v05)
OLD_ZSTD(v06)
OLD_ZSTD(v07)
#endif
