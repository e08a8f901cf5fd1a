/*
 * Bounds: every offset and length in the file is checked by range_ok() in the
 * form "length <= size && offset <= size - length", which cannot overflow.
 * Tables are checked whole by elf_parse; what single entries point to is
 * checked when they are looked at. Headers are copied out (the image may be
 * misaligned) and the copies used.
 */
#include "domain/loader/elf.h"

#include "lib/errno.h"
#include "lib/string.h"

struct file_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program_header {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct section_header {
    uint32_t name, type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t addralign, entsize;
};

struct note_header {
    uint32_t namesz, descsz, type;
};

enum {
    IDENT_CLASS = 4,
    IDENT_DATA = 5,
    DATA_LITTLE = 1,
    TYPE_EXEC = 2,
    TYPE_DYN = 3,
    MACHINE_X86_64 = 62,
    SEGMENT_LOAD = 1,
    SEGMENT_NOTE = 4,
    SECTION_NOTE = 7,
    SECTION_NOBITS = 8,
};

static bool range_ok(const struct elf_image *elf, uint64_t off, uint64_t len)
{
    return len <= elf->size && off <= elf->size - len;
}

bool elf_recognise(const void *file, size_t size)
{
    return size >= 4 && !memcmp(file, "\177ELF", 4);
}

static void get_phdr(const struct elf_image *elf, uint32_t n,
                     struct program_header *ph)
{
    memcpy(ph, elf->file + elf->phoff + (uint64_t)n * elf->phentsize,
           sizeof(*ph));
}

static void get_shdr(const struct elf_image *elf, uint32_t n,
                     struct section_header *sh)
{
    memcpy(sh, elf->file + elf->shoff + (uint64_t)n * elf->shentsize,
           sizeof(*sh));
}

static int check_ident(struct elf_image *elf, const struct file_header *h,
                       struct image_error *err)
{
    elf->class = h->ident[IDENT_CLASS];
    if (elf->class == ELF_CLASS_32)
        return image_fail(err, EOPNOTSUPP, "32-bit kernels are not supported");
    if (elf->class != ELF_CLASS_64 || h->ident[IDENT_DATA] != DATA_LITTLE)
        return image_fail(err, ENOEXEC,
                          "ELF class %u, byte order %u: not a 64-bit x86 image",
                          h->ident[IDENT_CLASS], h->ident[IDENT_DATA]);
    if (h->machine != MACHINE_X86_64)
        return image_fail(err, ENOEXEC, "ELF image for machine %u, not x86-64",
                          h->machine);
    if (h->type != TYPE_EXEC && h->type != TYPE_DYN)
        return image_fail(err, ENOEXEC, "ELF type %u is not an executable",
                          h->type);
    return 0;
}

/* Takes over the section table if it is whole; it is not needed for loading. */
static void take_sections(struct elf_image *elf, const struct file_header *h)
{
    if (!h->shnum || h->shentsize < sizeof(struct section_header) ||
        !range_ok(elf, h->shoff, (uint64_t)h->shnum * h->shentsize))
        return;
    elf->shoff = h->shoff;
    elf->shnum = h->shnum;
    elf->shentsize = h->shentsize;
    elf->shstrndx = h->shstrndx < h->shnum ? h->shstrndx : 0;
}

static int check_load(const struct elf_image *elf, uint32_t n,
                      const struct program_header *ph, struct image_error *err)
{
    if (ph->filesz > ph->memsz)
        return image_fail(
            err, ENOEXEC,
            "segment %u: file size 0x%llx over memory size 0x%llx", n,
            (unsigned long long)ph->filesz, (unsigned long long)ph->memsz);
    if (!range_ok(elf, ph->offset, ph->filesz))
        return image_fail(err, ENOEXEC,
                          "segment %u: bytes 0x%llx+0x%llx are not in the file "
                          "(truncated?)",
                          n, (unsigned long long)ph->offset,
                          (unsigned long long)ph->filesz);
    if (ph->paddr + ph->memsz < ph->paddr)
        return image_fail(
            err, ENOEXEC, "segment %u: address 0x%llx+0x%llx wraps", n,
            (unsigned long long)ph->paddr, (unsigned long long)ph->memsz);
    return 0;
}

static int check_segments(struct elf_image *elf, struct image_error *err)
{
    elf->pstart = UINT64_MAX;
    elf->pend = 0;
    for (uint32_t i = 0; i < elf->phnum; i++) {
        struct program_header ph;
        int rc;

        get_phdr(elf, i, &ph);
        if (ph.type != SEGMENT_LOAD || !ph.memsz)
            continue;
        rc = check_load(elf, i, &ph, err);
        if (rc)
            return rc;
        elf->pstart = min(elf->pstart, ph.paddr);
        elf->pend = max(elf->pend, ph.paddr + ph.memsz);
    }
    if (!elf->pend)
        return image_fail(err, ENOEXEC, "ELF image has no loadable segment");
    return 0;
}

int elf_parse(struct elf_image *elf, const void *file, size_t size,
              struct image_error *err)
{
    struct file_header h;
    int rc;

    memset(elf, 0, sizeof(*elf));
    elf->file = file;
    elf->size = size;
    if (!elf_recognise(file, size))
        return image_fail(err, ENOEXEC, "not an ELF image");
    if (size < sizeof(h))
        return image_fail(err, ENOEXEC, "ELF header is truncated");
    memcpy(&h, file, sizeof(h));
    rc = check_ident(elf, &h, err);
    if (rc)
        return rc;
    if (!h.phnum || h.phnum > ELF_MAX_PHDRS ||
        h.phentsize < sizeof(struct program_header) ||
        !range_ok(elf, h.phoff, (uint64_t)h.phnum * h.phentsize))
        return image_fail(err, ENOEXEC,
                          "bad program headers: %u of %u bytes at 0x%llx",
                          h.phnum, h.phentsize, (unsigned long long)h.phoff);
    elf->position_independent = h.type == TYPE_DYN;
    elf->entry = h.entry;
    elf->phoff = h.phoff;
    elf->phnum = h.phnum;
    elf->phentsize = h.phentsize;
    take_sections(elf, &h);
    return check_segments(elf, err);
}

bool elf_next_segment(const struct elf_image *elf, uint32_t *iter,
                      struct elf_segment *seg)
{
    while (*iter < elf->phnum) {
        struct program_header ph;

        get_phdr(elf, (*iter)++, &ph);
        if (ph.type != SEGMENT_LOAD || !ph.memsz)
            continue;
        *seg = (struct elf_segment){
            .offset = ph.offset,
            .file_size = ph.filesz,
            .mem_size = ph.memsz,
            .paddr = ph.paddr,
            .vaddr = ph.vaddr,
            .flags = ph.flags,
        };
        return true;
    }
    return false;
}

/* One walk over all notes: what to call, and what happened so far. */
struct note_walk {
    int (*fn)(void *ctx, const struct elf_note *note);
    void *ctx;
    unsigned int found;
    bool damaged;
};

/*
 * Notes of one segment or section. Names and contents are padded to 4 bytes;
 * 8 only where the container says so (GNU property notes).
 */
static int walk_notes(const struct elf_image *elf, uint64_t off, uint64_t len,
                      uint64_t align, struct note_walk *walk)
{
    uint64_t pad = align == 8 ? 8 : 4, end = off + len;

    if (!range_ok(elf, off, len)) {
        walk->damaged = true;
        return 0;
    }
    while (end - off >= sizeof(struct note_header)) {
        struct note_header h;
        uint64_t desc, next;

        memcpy(&h, elf->file + off, sizeof(h));
        desc = ROUND_UP(sizeof(h) + h.namesz, pad);
        next = desc + ROUND_UP((uint64_t)h.descsz, pad);
        /* The padding of the last one may be missing. */
        if (desc + h.descsz > end - off) {
            walk->damaged = true;
            return 0;
        }
        if (h.namesz == 4 && !memcmp(elf->file + off + sizeof(h), "Xen", 4)) {
            struct elf_note note = {h.type, h.descsz, elf->file + off + desc};
            int rc = walk->fn(walk->ctx, &note);

            walk->found++;
            if (rc)
                return rc;
        }
        off += min(next, end - off);
    }
    return 0;
}

static int walk_segments(const struct elf_image *elf, struct note_walk *walk)
{
    for (uint32_t i = 0; i < elf->phnum; i++) {
        struct program_header ph;
        int rc;

        get_phdr(elf, i, &ph);
        if (ph.type != SEGMENT_NOTE)
            continue;
        rc = walk_notes(elf, ph.offset, ph.filesz, ph.align, walk);
        if (rc)
            return rc;
    }
    return 0;
}

static int walk_sections(const struct elf_image *elf, struct note_walk *walk)
{
    for (uint32_t i = 0; i < elf->shnum; i++) {
        struct section_header sh;
        int rc;

        get_shdr(elf, i, &sh);
        if (sh.type != SECTION_NOTE)
            continue;
        rc = walk_notes(elf, sh.offset, sh.size, sh.addralign, walk);
        if (rc)
            return rc;
    }
    return 0;
}

int elf_each_xen_note(const struct elf_image *elf,
                      int (*fn)(void *ctx, const struct elf_note *note),
                      void *ctx, unsigned int *found, bool *damaged)
{
    struct note_walk walk = {.fn = fn, .ctx = ctx};
    int rc = walk_segments(elf, &walk);

    if (!rc && !walk.found)
        rc = walk_sections(elf, &walk);
    *found = walk.found;
    *damaged = walk.damaged;
    return rc;
}

/* Does the string table hold exactly `name` (with its end) at offset off? */
static bool name_is(const struct elf_image *elf,
                    const struct section_header *names, uint32_t off,
                    const char *name)
{
    uint64_t len = strlen(name) + 1;

    return off <= names->size && len <= names->size - off &&
           !memcmp(elf->file + names->offset + off, name, len);
}

const uint8_t *elf_section(const struct elf_image *elf, const char *name,
                           uint64_t *size)
{
    struct section_header names, sh;

    if (!elf->shstrndx)
        return NULL;
    get_shdr(elf, elf->shstrndx, &names);
    if (names.type == SECTION_NOBITS ||
        !range_ok(elf, names.offset, names.size))
        return NULL;
    for (uint32_t i = 1; i < elf->shnum; i++) {
        get_shdr(elf, i, &sh);
        if (!name_is(elf, &names, sh.name, name))
            continue;
        if (sh.type == SECTION_NOBITS || !sh.size ||
            !range_ok(elf, sh.offset, sh.size))
            return NULL;
        *size = sh.size;
        return elf->file + sh.offset;
    }
    return NULL;
}
