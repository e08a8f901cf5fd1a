#include "loader/make_image.h"

#include <string.h>

#include <xen/elfnote.h>
#include <xen/features.h>

#include "lib/errno.h"

static struct maker m;
static struct xen_image_parms p;
static struct image_error err;
static struct image_env env;

static int read_notes(void)
{
    struct elf_image elf;
    int rc;

    make_finish(&m);
    assert_int_equal(elf_parse(&elf, m.out, m.out_size, &err), 0);
    rc = xen_parms_read(&p, &elf, &env, &err);
    make_free(&m);
    return rc;
}

/* Linux notes, then what `more` adds (later notes win). */
#define with_note(more)                                                        \
    ({                                                                         \
        env = make_env();                                                      \
        make_start(&m);                                                        \
        make_notes_begin(&m);                                                  \
        make_linux_notes(&m);                                                  \
        more;                                                                  \
        make_notes_end(&m, false);                                             \
        read_notes();                                                          \
    })

#define refused(more, code, part)                                              \
    do {                                                                       \
        assert_int_equal(with_note(more), -(code));                            \
        assert_error(err, part);                                               \
    } while (0)

static void check_linux(void)
{
    assert_string_equal(p.guest_os, "linux");
    assert_string_equal(p.guest_version, "2.6");
    assert_string_equal(p.xen_version, "xen-3.0");
    assert_string_equal(p.loader, "generic");
    assert_int_equal(p.virt_base, BASE);
    assert_int_equal(p.virt_entry, ENTRY);
    assert_int_equal(p.elf_paddr_offset, 0);
    assert_int_equal(p.init_p2m, 0x8000000000);
    assert_int_equal(p.hv_start_low, 0xffff800000000000);
    assert_int_equal(p.l1_mfn_mask, 1);
    assert_int_equal(p.l1_mfn_value, 1);
    assert_int_equal(p.pae, XEN_PAE_YES);
    assert_true(p.suspend_cancel);
    assert_true(p.unmapped_initrd);
    assert_false(p.bsd_symtab);
    assert_false(p.from_string);
    assert_int_equal(p.features_required, 1 << XENFEAT_writable_page_tables);
    assert_int_equal(p.features_supported,
                     0x8801 | 1 << XENFEAT_pae_pgdir_above_4gb);
    assert_false(parms_have(&p, XEN_ELFNOTE_HYPERCALL_PAGE));
    assert_true(parms_have(&p, XEN_ELFNOTE_INIT_P2M));
    assert_int_equal(p.kstart, KERNEL_PADDR);
    assert_int_equal(p.kend, KERNEL_PADDR + 0x900);
    assert_int_equal(p.virt_kstart, BASE + KERNEL_PADDR);
    assert_int_equal(p.virt_kend, BASE + KERNEL_PADDR + 0x900);
    assert_int_equal(warnings, 0);
}

static void linux_segment(void **state)
{
    (void)state;
    assert_int_equal(with_note((void)0), 0);
    check_linux();
}

static void linux_section(void **state)
{
    (void)state;
    env = make_env();
    make_start(&m);
    make_notes_begin(&m);
    make_linux_notes(&m);
    make_notes_end(&m, true);
    assert_int_equal(read_notes(), 0);
    check_linux();
}

static void no_notes(void **state)
{
    (void)state;
    env = make_env();
    make_start(&m);
    assert_int_equal(read_notes(), -ENOEXEC);
    assert_error(err, "not a Xen-capable kernel");
    make_start(&m);
    make_notes_begin(&m);
    make_note(&m, "GNU", 3, "abc", 4);
    make_notes_end(&m, false);
    assert_int_equal(read_notes(), -ENOEXEC);
    assert_error(err, "not a Xen-capable kernel");
}

static void few_notes(void **state)
{
    (void)state;
    env = make_env();
    make_start(&m);
    m.ehdr.e_entry = ENTRY;
    make_notes_begin(&m);
    make_number(&m, XEN_ELFNOTE_VIRT_BASE, BASE);
    make_notes_end(&m, false);
    assert_int_equal(read_notes(), 0);
    assert_int_equal(p.virt_entry, ENTRY);
    assert_int_equal(warnings, 2); /* no XEN_VERSION, no GUEST_OS */
}

static void identity(void **state)
{
    (void)state;
    refused(make_text(&m, XEN_ELFNOTE_XEN_VERSION, "xen-2.0"), ENOEXEC,
            "\"xen-2.0\"");
    refused(make_text(&m, XEN_ELFNOTE_XEN_VERSION, "3.0"), ENOEXEC, "\"3.0\"");
    refused(make_text(&m, XEN_ELFNOTE_LOADER, "plan9"), ENOEXEC, "plan9");
    refused(make_text(&m, XEN_ELFNOTE_PAE_MODE, "maybe"), ENOEXEC, "PAE");
    assert_int_equal(with_note(make_text(&m, XEN_ELFNOTE_BSD_SYMTAB, "yes")),
                     0);
    assert_true(p.bsd_symtab);
    assert_int_equal(warnings, 1);
    assert_int_equal(
        with_note(make_text(&m, XEN_ELFNOTE_PAE_MODE, "yes,bimodal")), 0);
    assert_int_equal(p.pae, XEN_PAE_BIMODAL);
}

static void features(void **state)
{
    char list[600];

    (void)state;
    refused(make_text(&m, XEN_ELFNOTE_FEATURES, "dom0|!supervisor_mode_kernel"),
            EOPNOTSUPP, "supervisor_mode_kernel");
    refused(make_text(&m, XEN_ELFNOTE_FEATURES, "!no_such_thing"), EOPNOTSUPP,
            "unknown feature \"no_such_thing\"");
    assert_int_equal(with_note(make_text(&m, XEN_ELFNOTE_FEATURES,
                                         "no_such_thing||hvm_pirqs|")),
                     0);
    assert_int_equal(warnings, 1);
    assert_true(p.features_supported >> XENFEAT_hvm_pirqs & 1);
    /* A name must match whole. */
    refused(make_text(&m, XEN_ELFNOTE_FEATURES, "!writable_page_table"),
            EOPNOTSUPP, "unknown");
    /* Not terminated: ends with the note. */
    assert_int_equal(with_note(make_note(&m, "Xen", XEN_ELFNOTE_FEATURES,
                                         "dom0|hvm_pirqsX", 14)),
                     0);
    assert_true(p.features_supported >> XENFEAT_hvm_pirqs & 1);
    memset(list, 'a', sizeof(list));
    refused(make_note(&m, "Xen", XEN_ELFNOTE_FEATURES, list, sizeof(list)),
            ENOEXEC, "feature list");
}

static void not_for_dom0(void **state)
{
    (void)state;
    env = make_env();
    make_start(&m);
    m.ehdr.e_entry = ENTRY;
    make_notes_begin(&m);
    make_number(&m, XEN_ELFNOTE_VIRT_BASE, BASE);
    make_number(&m, XEN_ELFNOTE_SUPPORTED_FEATURES, 1);
    make_notes_end(&m, false);
    assert_int_equal(read_notes(), -EOPNOTSUPP);
    assert_error(err, "domain 0");
}

static void addresses(void **state)
{
    (void)state;
    refused(make_number(&m, XEN_ELFNOTE_ENTRY, BASE), ENOEXEC, "entry");
    refused(make_number(&m, XEN_ELFNOTE_ENTRY, BASE + KERNEL_PADDR + 0x900),
            ENOEXEC, "entry");
    refused(make_number(&m, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x2000000),
            ENOEXEC, "hypercall page");
    refused(make_number(&m, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + KERNEL_PADDR),
            ENOEXEC, "hypercall page"); /* image smaller than a page */
    refused(make_number(&m, XEN_ELFNOTE_VIRT_BASE, BASE + 1), ENOEXEC,
            "page-aligned");
    refused(make_number(&m, XEN_ELFNOTE_VIRT_BASE, 0xffff800000000000), ENOEXEC,
            "does not fit");
    refused(make_number(&m, XEN_ELFNOTE_VIRT_BASE, 0x900000000000), ENOEXEC,
            "does not fit");
    refused(
        make_number(&m, XEN_ELFNOTE_VIRT_BASE, 0xfffffffffe000000 + 0x1000000),
        ENOEXEC, "does not fit"); /* wraps */
    refused(make_number(&m, XEN_ELFNOTE_PADDR_OFFSET, KERNEL_PADDR + 0x1000),
            ENOEXEC, "PADDR_OFFSET");
    refused(make_number(&m, XEN_ELFNOTE_HV_START_LOW, 0xffff808000000000),
            ENOEXEC, "HV_START_LOW");
    refused(make_number(&m, XEN_ELFNOTE_INIT_P2M, 0x8000000010), ENOEXEC,
            "INIT_P2M");
    refused(make_number(&m, XEN_ELFNOTE_INIT_P2M, BASE), ENOEXEC, "INIT_P2M");
    refused(make_number(&m, XEN_ELFNOTE_INIT_P2M, 0xffff810000000000), ENOEXEC,
            "INIT_P2M");
}

static void hypercall_page(void **state)
{
    (void)state;
    env = make_env();
    make_start(&m);
    m.phdr[0].p_memsz = 0x3000;
    make_notes_begin(&m);
    make_linux_notes(&m);
    make_number(&m, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + KERNEL_PADDR + 0x2000);
    make_notes_end(&m, false);
    assert_int_equal(read_notes(), 0);
    assert_int_equal(p.virt_hypercall, BASE + KERNEL_PADDR + 0x2000);
    env = make_env();
    make_start(&m);
    m.phdr[0].p_memsz = 0x3000;
    make_notes_begin(&m);
    make_linux_notes(&m);
    make_number(&m, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + KERNEL_PADDR + 0x2008);
    make_notes_end(&m, false);
    assert_int_equal(read_notes(), -ENOEXEC);
}

static void paddr_without_base(void **state)
{
    (void)state;
    env = make_env();
    make_start(&m);
    make_notes_begin(&m);
    make_number(&m, XEN_ELFNOTE_PADDR_OFFSET, 0);
    make_notes_end(&m, false);
    assert_int_equal(read_notes(), -ENOEXEC);
    assert_error(err, "without a VIRT_BASE");
}

static void malformed(void **state)
{
    Elf64_Nhdr h = {4, 0xffffffff, XEN_ELFNOTE_ENTRY};

    (void)state;
    refused(make_note(&m, "Xen", XEN_ELFNOTE_ENTRY, "abc", 3), ENOEXEC,
            "not a number");
    refused(make_note(&m, "Xen", XEN_ELFNOTE_L1_MFN_VALID, "abcdefgh", 8),
            ENOEXEC, "L1_MFN_VALID");
    /* Lengths past the end: the rest is ignored, with a warning. */
    assert_int_equal(with_note({
                         make_bytes(&m, &h, sizeof(h));
                         make_bytes(&m, "Xen", 4);
                     }),
                     0);
    assert_int_equal(warnings, 1);
    h.n_namesz = h.n_descsz = 0xffffffff;
    assert_int_equal(with_note(make_bytes(&m, &h, sizeof(h))), 0);
    assert_int_equal(warnings, 1);
    assert_int_equal(with_note(make_number(&m, 99, 1)), 0);
    assert_error(((struct image_error *)last_warning)[0], "0x63");
}

static int read_string(const char *text)
{
    env = make_env();
    make_start(&m);
    /* The old way: paddr holds virtual addresses. */
    m.phdr[0].p_paddr = BASE + KERNEL_PADDR;
    m.phdr[0].p_memsz = 0x3000;
    m.ehdr.e_entry = ENTRY;
    make_guest_section(&m, text);
    return read_notes();
}

static void guest_string(void **state)
{
    (void)state;
    assert_int_equal(read_string("GUEST_OS=netbsd,GUEST_VER=3.0,XEN_VER=3.0,"
                                 "LOADER=generic,VIRT_BASE=0xffffffff80000000,"
                                 "HYPERCALL_PAGE=0x1002,BSD_SYMTAB,PAE=yes,"
                                 "PT_MODE_WRITABLE,FEATURES=!dom0|hvm_pirqs"),
                     0);
    assert_true(p.from_string);
    assert_string_equal(p.guest_os, "netbsd");
    assert_string_equal(p.guest_version, "3.0");
    assert_int_equal(p.elf_paddr_offset, BASE);
    assert_int_equal(p.virt_hypercall, BASE + 0x1002000);
    assert_int_equal(p.kstart, KERNEL_PADDR);
    assert_int_equal(p.virt_kstart, BASE + KERNEL_PADDR);
    assert_int_equal(p.virt_entry, ENTRY);
    assert_true(p.bsd_symtab);
    assert_int_equal(p.features_required, 1 << XENFEAT_dom0);
    assert_true(p.features_supported & 1 << XENFEAT_writable_page_tables);
    assert_int_equal(warnings, 1); /* the symbol table */
}

static void guest_string_bad(void **state)
{
    static char text[2000];

    (void)state;
    assert_int_equal(read_string("VIRT_BASE=0xfffffgff"), -ENOEXEC);
    assert_error(err, "bad number VIRT_BASE");
    assert_int_equal(read_string("VIRT_BASE="), -ENOEXEC);
    assert_int_equal(read_string("VIRT_BASE=0x"), -ENOEXEC);
    assert_int_equal(read_string("VIRT_BASE=0x10000000000000000"), -ENOEXEC);
    assert_int_equal(read_string("VIRT_BASE=12a"), -ENOEXEC);
    assert_int_equal(read_string("XEN_VER=2.0,VIRT_BASE=0xffffffff80000000"),
                     -ENOEXEC);
    assert_error(err, "2.0");
    memset(text, 'x', sizeof(text) - 1);
    assert_int_equal(read_string(text), -ENOEXEC);
    assert_error(err, "__xen_guest is over");
    assert_int_equal(read_string(",,X=1,VIRT_BASE=0xffffffff80000000,,=,"), 0);
}

const struct CMUnitTest notes_tests[] = {
    cmocka_unit_test(linux_segment),    cmocka_unit_test(linux_section),
    cmocka_unit_test(no_notes),         cmocka_unit_test(few_notes),
    cmocka_unit_test(identity),         cmocka_unit_test(features),
    cmocka_unit_test(not_for_dom0),     cmocka_unit_test(addresses),
    cmocka_unit_test(hypercall_page),   cmocka_unit_test(paddr_without_base),
    cmocka_unit_test(malformed),        cmocka_unit_test(guest_string),
    cmocka_unit_test(guest_string_bad),
};
const size_t notes_tests_num = ARRAY_SIZE(notes_tests);
