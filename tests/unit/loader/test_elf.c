#include "loader/make_image.h"

#include <stdlib.h>
#include <string.h>

#include "lib/errno.h"

static struct maker m;
static struct elf_image elf;
static struct image_error err;

static int parse(void)
{
    int rc;

    make_finish(&m);
    rc = elf_parse(&elf, m.out, m.out_size, &err);
    if (rc)
        make_free(&m);
    return rc;
}

static void good(void **state)
{
    struct elf_segment seg;
    uint32_t iter = 0;

    (void)state;
    make_start(&m);
    m.phdr[m.ehdr.e_phnum++] = (Elf64_Phdr){.p_type = PT_LOAD};
    m.phdr[m.ehdr.e_phnum++] = (Elf64_Phdr){.p_type = PT_LOAD,
                                            .p_offset = BODY + 8,
                                            .p_filesz = 0,
                                            .p_memsz = 0x1000,
                                            .p_paddr = 0x2000000};
    assert_int_equal(parse(), 0);
    assert_int_equal(elf.class, ELF_CLASS_64);
    assert_int_equal(elf.pstart, KERNEL_PADDR);
    assert_int_equal(elf.pend, 0x2001000);
    assert_true(elf_next_segment(&elf, &iter, &seg));
    assert_int_equal(seg.file_size, 0x400);
    assert_int_equal(seg.mem_size, 0x900);
    assert_int_equal(seg.paddr, KERNEL_PADDR);
    assert_memory_equal(elf.file + seg.offset, m.body, 0x400);
    assert_true(elf_next_segment(&elf, &iter, &seg));
    assert_int_equal(seg.paddr, 0x2000000);
    assert_false(elf_next_segment(&elf, &iter, &seg));
    make_free(&m);
}

/* A file cut at any length is refused or stays within its bounds (ASan). */
static void truncated(void **state)
{
    (void)state;
    make_linux(&m);
    for (size_t n = 0; n < m.out_size; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        int rc;

        memcpy(cut, m.out, n);
        rc = elf_parse(&elf, cut, n, &err);
        if (n < BODY + 0x400) {
            assert_int_equal(rc, -ENOEXEC);
        } else {
            struct xen_image_parms parms;
            struct image_env env = make_env();

            assert_int_equal(rc, 0);
            xen_parms_read(&parms, &elf, &env, &err);
        }
        free(cut);
    }
    make_free(&m);
}

#define refused(change, code, part)                                            \
    do {                                                                       \
        make_start(&m);                                                        \
        change;                                                                \
        assert_int_equal(parse(), -(code));                                    \
        assert_error(err, part);                                               \
    } while (0)

static void bad_headers(void **state)
{
    (void)state;
    refused(m.ehdr.e_ident[0] = 0, ENOEXEC, "not an ELF");
    refused(m.ehdr.e_ident[EI_CLASS] = ELFCLASS32, EOPNOTSUPP, "32-bit");
    assert_int_equal(elf.class, ELF_CLASS_32);
    refused(m.ehdr.e_ident[EI_CLASS] = 7, ENOEXEC, "class 7");
    refused(m.ehdr.e_ident[EI_DATA] = ELFDATA2MSB, ENOEXEC, "byte order 2");
    refused(m.ehdr.e_machine = EM_AARCH64, ENOEXEC, "machine 183");
    refused(m.ehdr.e_type = ET_REL, ENOEXEC, "type 1");
    refused(m.ehdr.e_phnum = 0, ENOEXEC, "program headers");
    refused(m.ehdr.e_phnum = 0xffff, ENOEXEC, "program headers");
    refused(m.ehdr.e_phentsize = 8, ENOEXEC, "program headers");
    refused(m.ehdr.e_phoff = UINT64_MAX - 8, ENOEXEC, "program headers");
    refused(m.phdr[0].p_type = PT_NULL, ENOEXEC, "no loadable");
}

static void bad_segments(void **state)
{
    (void)state;
    refused(m.phdr[0].p_offset = UINT64_MAX - 4, ENOEXEC, "not in the file");
    refused(m.phdr[0].p_filesz = m.phdr[0].p_memsz = UINT64_MAX, ENOEXEC,
            "not in the file");
    refused(m.phdr[0].p_memsz = 0x3ff, ENOEXEC, "over memory size");
    refused(m.phdr[0].p_paddr = UINT64_MAX - 0x10, ENOEXEC, "wraps");
}

/* Section tables are a convenience: a bad one is as good as none. */
static void bad_sections(void **state)
{
    uint64_t size;

    (void)state;
    make_start(&m);
    m.ehdr.e_shoff = UINT64_MAX - 64;
    assert_int_equal(parse(), 0);
    assert_int_equal(elf.shnum, 0);
    assert_null(elf_section(&elf, "__xen_guest", &size));
    make_free(&m);

    make_start(&m);
    m.ehdr.e_shstrndx = 9;
    assert_int_equal(parse(), 0);
    assert_null(elf_section(&elf, "__xen_guest", &size));
    make_free(&m);

    make_start(&m);
    make_guest_section(&m, "LOADER=generic");
    m.shdr[2].sh_size = UINT64_MAX;
    assert_int_equal(parse(), 0);
    assert_null(elf_section(&elf, "__xen_guest", &size));
    make_free(&m);
}

static void section(void **state)
{
    const uint8_t *text;
    uint64_t size = 0;

    (void)state;
    make_start(&m);
    make_guest_section(&m, "LOADER=generic");
    assert_int_equal(parse(), 0);
    text = elf_section(&elf, "__xen_guest", &size);
    assert_non_null(text);
    assert_int_equal(size, 14);
    assert_memory_equal(text, "LOADER=generic", 14);
    assert_null(elf_section(&elf, "__xen_gues", &size));
    assert_null(elf_section(&elf, "absent", &size));
    make_free(&m);
}

const struct CMUnitTest elf_tests[] = {
    cmocka_unit_test(good),         cmocka_unit_test(truncated),
    cmocka_unit_test(bad_headers),  cmocka_unit_test(bad_segments),
    cmocka_unit_test(bad_sections), cmocka_unit_test(section),
};
const size_t elf_tests_num = ARRAY_SIZE(elf_tests);
