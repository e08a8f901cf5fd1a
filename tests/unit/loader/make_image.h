/* Builds small ELF images, bzImages and compressed data for the tests. */
#ifndef TESTS_LOADER_MAKE_IMAGE_H
#define TESTS_LOADER_MAKE_IMAGE_H

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "domain/loader/image.h"

#define BASE         0xffffffff80000000ull
#define KERNEL_PADDR 0x1000000ull
#define ENTRY        (BASE + KERNEL_PADDR + 0x100)

/*
 * An image under construction: phdr[0..phnum) and the body are laid out by
 * image_finish() as header, program headers, section headers, then the body.
 * Offsets within the body become file offsets by adding BODY.
 */
#define BODY 0x800
struct maker {
    Elf64_Ehdr ehdr;
    Elf64_Phdr phdr[8];
    Elf64_Shdr shdr[8];
    uint8_t body[0x4000];
    size_t body_size;
    uint8_t *out; /* exactly out_size bytes from malloc */
    size_t out_size;
};

/* An executable with one PT_LOAD (0x400 of 0x900 bytes) and no notes. */
void make_start(struct maker *m);
/* Appends bytes to the body (4-byte aligned); returns their file offset. */
uint64_t make_bytes(struct maker *m, const void *p, size_t n);
void make_note(struct maker *m, const char *name, uint32_t type,
               const void *desc, uint32_t size);
void make_number(struct maker *m, uint32_t type, uint64_t value);
void make_text(struct maker *m, uint32_t type, const char *text);
/* Notes go between these two; as a segment, or as a section. */
void make_notes_begin(struct maker *m);
void make_notes_end(struct maker *m, bool as_section);
/* A section __xen_guest holding text. */
void make_guest_section(struct maker *m, const char *text);
void make_finish(struct maker *m);
void make_free(struct maker *m);

/* The notes of a usual Linux kernel. */
void make_linux_notes(struct maker *m);
/* The whole of a usual kernel image. */
void make_linux(struct maker *m);

/* Compressed copy from malloc. append_size: with 4 bytes of size behind. */
uint8_t *make_packed(enum payload_kind kind, const void *src, size_t size,
                     bool append_size, size_t *out_size);
/* A bzImage around a payload, from malloc. */
uint8_t *make_bzimage(const void *payload, size_t size, size_t *out_size);

/* Environment over malloc that counts what is not given back. */
extern long live_bytes;
extern long allocations_left; /* fail when it reaches 0; -1: never */
extern char last_warning[128];
extern unsigned int warnings;
struct image_env make_env(void);

extern const struct CMUnitTest elf_tests[], notes_tests[], payload_tests[],
    image_tests[];
extern const size_t elf_tests_num, notes_tests_num, payload_tests_num,
    image_tests_num;

#define assert_error(err, part)                                                \
    do {                                                                       \
        if (!strstr((err).text, part))                                         \
            fail_msg("message \"%s\" lacks \"%s\"", (err).text, part);         \
    } while (0)

#endif
