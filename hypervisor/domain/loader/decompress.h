/*
 * Unpacks one xz, zstd or gzip stream into memory, in one go.
 *
 * In the hypervisor the decompression libraries come as static archives and
 * use SSE2 registers and a stack canary at %fs:0x28: see libc_shim.h for what
 * must be set up around a call.
 */
#ifndef DOMAIN_LOADER_DECOMPRESS_H
#define DOMAIN_LOADER_DECOMPRESS_H

#include "domain/loader/bzimage.h"

/*
 * Unpacks src[0..size) of that kind into dst[0..*dst_size), then sets
 * *dst_size to the number of bytes produced. What follows the first stream in
 * src is ignored. All memory taken from mem has been given back on return.
 *
 * -EINVAL: truncated or corrupt; -E2BIG: output larger than dst; -ENOMEM;
 * -EOPNOTSUPP: a feature of the format that the decoder does not have.
 */
int decompress(enum payload_kind kind, const void *src, size_t size, void *dst,
               size_t *dst_size, const struct image_mem *mem,
               struct image_error *err);

#endif
