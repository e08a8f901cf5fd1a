/*
 * Tells what kind of kernel file a module is and where its payload lies: a
 * Linux bzImage (boot protocol 2.08 or later) wraps a compressed ELF image;
 * a gzip file may hold one; or it is one itself.
 */
#ifndef DOMAIN_LOADER_BZIMAGE_H
#define DOMAIN_LOADER_BZIMAGE_H

#include "domain/loader/env.h"

enum payload_kind {
    PAYLOAD_ELF, /* not compressed */
    PAYLOAD_GZIP,
    PAYLOAD_XZ,
    PAYLOAD_ZSTD,
};

/*
 * kind      what data[0..size) is
 * bzimage   it was found inside a bzImage, of boot protocol `protocol`
 * unpacked  size of the image once unpacked (bytes; as the file claims it)
 *
 * data[0..size) lies inside the file. Behind the compressed stream may follow
 * a few bytes that are not part of it (the size appended by a kernel build).
 */
struct payload {
    enum payload_kind kind;
    bool bzimage;
    uint16_t protocol;
    const uint8_t *data;
    size_t size;
    uint64_t unpacked;
};

/*
 * -ENOEXEC: no kernel of a known format, or a damaged header; -EOPNOTSUPP: a
 * compression or an old boot protocol that is not supported.
 */
int payload_find(const void *file, size_t size, struct payload *out,
                 struct image_error *err);

/* "xz", "zstd", "gzip" or "ELF". */
const char *payload_kind_name(enum payload_kind kind);

#endif
