/*
 * Reads 64-bit x86 ELF images. Nothing in an image is trusted: elf_parse
 * checks the tables once (in bounds, no overflow) and the walkers only ever
 * return ranges that lie inside the file. The image may start at any address.
 */
#ifndef DOMAIN_LOADER_ELF_H
#define DOMAIN_LOADER_ELF_H

#include "domain/loader/env.h"

#define ELF_MAX_PHDRS 256

/* The kinds of image by word size; only 64-bit ones can be loaded so far. */
enum elf_class { ELF_CLASS_32 = 1, ELF_CLASS_64 = 2 };

/*
 * A checked image. file/size: the caller's, must outlive this. class is set
 * even when elf_parse refuses an otherwise sane 32-bit image (-EOPNOTSUPP).
 */
struct elf_image {
    const uint8_t *file;
    uint64_t size;
    enum elf_class class;
    bool position_independent; /* ET_DYN */
    uint64_t entry;            /* virtual */
    uint64_t phoff, shoff;     /* tables' file offsets */
    uint32_t phnum, shnum;     /* shnum 0: no usable section table */
    uint32_t phentsize, shentsize;
    uint32_t shstrndx;     /* section with the sections' names, 0 = none */
    uint64_t pstart, pend; /* lowest and highest paddr of all PT_LOAD, end
                              exclusive */
};

/* A PT_LOAD with memory. file_size <= mem_size; both ranges do not wrap. */
struct elf_segment {
    uint64_t offset; /* in the file */
    uint64_t file_size;
    uint64_t mem_size;
    uint64_t paddr;
    uint64_t vaddr;
    uint32_t flags; /* bit 0 execute, 1 write, 2 read */
};

/* A note of owner "Xen"; desc points into the file, any alignment. */
struct elf_note {
    uint32_t type;
    uint32_t size;
    const uint8_t *desc;
};

/* Is it an ELF file of any class? */
bool elf_recognise(const void *file, size_t size);

/*
 * Fills *elf. -ENOEXEC: not an image we could ever load; -EOPNOTSUPP: a
 * 32-bit image. *err tells.
 */
int elf_parse(struct elf_image *elf, const void *file, size_t size,
              struct image_error *err);

/*
 * Walks the loadable segments in file order. *iter starts at 0; false at the
 * end. Segments without memory are skipped.
 */
bool elf_next_segment(const struct elf_image *elf, uint32_t *iter,
                      struct elf_segment *seg);

/*
 * Calls fn for every note of owner "Xen": of the PT_NOTE segments, or if these
 * hold none, of the SHT_NOTE sections. Stops at and returns the first value
 * other than 0. *found counts the calls; *damaged is set when a note ran past
 * the end of its segment or section (the rest of that one is skipped).
 */
int elf_each_xen_note(const struct elf_image *elf,
                      int (*fn)(void *ctx, const struct elf_note *note),
                      void *ctx, unsigned int *found, bool *damaged);

/*
 * The contents of the first section of that name (NULL if none, or if it has
 * no bytes in the file).
 */
const uint8_t *elf_section(const struct elf_image *elf, const char *name,
                           uint64_t *size);

#endif
