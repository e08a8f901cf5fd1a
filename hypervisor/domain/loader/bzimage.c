#include "domain/loader/bzimage.h"

#include "domain/loader/elf.h"
#include "lib/errno.h"
#include "lib/string.h"

/* Offsets in the first sectors of a bzImage (the Linux boot protocol). */
enum {
    SETUP_SECTS = 0x1f1,
    BOOT_FLAG = 0x1fe,
    HEADER_MAGIC = 0x202,
    PROTOCOL = 0x206,
    PAYLOAD_OFFSET = 0x248,
    PAYLOAD_LENGTH = 0x24c,
    HEADER_END = 0x250,
    SECTOR = 512,
    FIRST_PROTOCOL = 0x208,
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static bool starts(const struct payload *p, const char *magic, size_t len)
{
    return p->size >= len && !memcmp(p->data, magic, len);
}

const char *payload_kind_name(enum payload_kind kind)
{
    static const char *const names[] = {
        [PAYLOAD_ELF] = "ELF",
        [PAYLOAD_GZIP] = "gzip",
        [PAYLOAD_XZ] = "xz",
        [PAYLOAD_ZSTD] = "zstd",
    };

    return names[kind];
}

/* The compressions a kernel build can choose, by their first bytes. */
static const struct {
    const char *name;
    const char *magic;
    uint8_t len;
    int8_t kind; /* enum payload_kind, -1: known but not supported */
} formats[] = {
    {"ELF", "\177ELF", 4, PAYLOAD_ELF},
    {"gzip", "\037\213\010", 3, PAYLOAD_GZIP},
    {"xz", "\3757zXZ\0", 6, PAYLOAD_XZ},
    {"zstd", "\050\265\057\375", 4, PAYLOAD_ZSTD},
    {"lz4", "\002\041\114\030", 4, -1},
    {"bzip2", "BZh", 3, -1},
    {"lzo", "\211LZO", 4, -1},
    {"lzma", "\135\0\0", 3, -1},
};

/* Sets p->kind from the first bytes. -ENOEXEC leaves *err alone. */
static int find_kind(struct payload *p, struct image_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (!starts(p, formats[i].magic, formats[i].len))
            continue;
        if (formats[i].kind < 0)
            return image_fail(err, EOPNOTSUPP,
                              "%s compression is not supported "
                              "(xz, zstd and gzip are)",
                              formats[i].name);
        p->kind = (enum payload_kind)formats[i].kind;
        return 0;
    }
    return -ENOEXEC;
}

static bool is_bzimage(const uint8_t *file, size_t size)
{
    return size >= PROTOCOL + 2 && get16(file + BOOT_FLAG) == 0xaa55 &&
           !memcmp(file + HEADER_MAGIC, "HdrS", 4);
}

/* The payload's range: relative to the end of the real-mode sectors. */
static int bzimage_payload(const uint8_t *file, size_t size,
                           struct payload *out, struct image_error *err)
{
    uint64_t sects, off, len;

    out->bzimage = true;
    out->protocol = get16(file + PROTOCOL);
    if (out->protocol < FIRST_PROTOCOL)
        return image_fail(err, EOPNOTSUPP,
                          "bzImage of boot protocol %u.%02u, 2.08 is needed",
                          out->protocol >> 8, out->protocol & 0xffu);
    if (size < HEADER_END)
        return image_fail(err, ENOEXEC, "bzImage header is truncated");
    sects = file[SETUP_SECTS] ? file[SETUP_SECTS] : 4;
    off = (sects + 1) * SECTOR + get32(file + PAYLOAD_OFFSET);
    len = get32(file + PAYLOAD_LENGTH);
    if (len < 8 || off > size || len > size - off)
        return image_fail(err, ENOEXEC,
                          "bzImage payload 0x%llx+0x%llx is not in the file of "
                          "0x%llx bytes (truncated?)",
                          (unsigned long long)off, (unsigned long long)len,
                          (unsigned long long)size);
    out->data = file + off;
    out->size = len;
    return 0;
}

int payload_find(const void *file, size_t size, struct payload *out,
                 struct image_error *err)
{
    int rc;

    *out = (struct payload){.data = file, .size = size};
    if (is_bzimage(file, size)) {
        rc = bzimage_payload(file, size, out, err);
        if (rc)
            return rc;
    }
    rc = find_kind(out, err);
    if (rc == -ENOEXEC)
        return image_fail(err, ENOEXEC,
                          out->bzimage
                              ? "bzImage with an unknown kind of payload"
                              : "not a kernel: neither bzImage, ELF nor gzip");
    if (rc)
        return rc;
    if (!out->bzimage && out->kind != PAYLOAD_ELF && out->kind != PAYLOAD_GZIP)
        return image_fail(err, EOPNOTSUPP,
                          "bare %s file; it must be a bzImage, ELF or gzip",
                          payload_kind_name(out->kind));
    /* Both gzip itself and kernel builds put the size at the very end. */
    if (out->kind == PAYLOAD_ELF)
        out->unpacked = out->size;
    else if (out->size >= 8)
        out->unpacked = get32(out->data + out->size - 4);
    else
        return image_fail(err, ENOEXEC, "gzip file is truncated");
    return 0;
}
