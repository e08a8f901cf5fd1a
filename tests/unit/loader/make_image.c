#include "loader/make_image.h"

#include <stdlib.h>
#include <string.h>

#include <lzma.h>
#include <xen/elfnote.h>
#include <xen/features.h>
#include <zlib.h>
#include <zstd.h>

long live_bytes;
long allocations_left = -1;
char last_warning[128];
unsigned int warnings;

static uint64_t notes_start;
static const char names[] = "\0.names\0.notes\0__xen_guest";

static void *count_alloc(void *ctx, size_t size)
{
    (void)ctx;
    if (!allocations_left)
        return NULL;
    if (allocations_left > 0)
        allocations_left--;
    live_bytes += (long)size;
    return malloc(size);
}

static void count_free(void *ctx, void *p, size_t size)
{
    (void)ctx;
    assert_non_null(p);
    live_bytes -= (long)size;
    free(p);
}

static void count_warning(void *ctx, const char *line)
{
    (void)ctx;
    warnings++;
    strncpy(last_warning, line, sizeof(last_warning) - 1);
}

struct image_env make_env(void)
{
    live_bytes = 0;
    allocations_left = -1;
    warnings = 0;
    last_warning[0] = 0;
    return (struct image_env){
        .mem = {.alloc = count_alloc, .free = count_free},
        .warn = count_warning,
        .features_offered = 1u << XENFEAT_writable_page_tables |
                            1u << XENFEAT_pae_pgdir_above_4gb |
                            1u << XENFEAT_dom0,
        .control_domain = true,
        .max_image = 64 << 20,
    };
}

void make_start(struct maker *m)
{
    uint8_t code[0x400];

    memset(m, 0, sizeof(*m));
    memcpy(m->ehdr.e_ident, ELFMAG, SELFMAG);
    m->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
    m->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
    m->ehdr.e_type = ET_EXEC;
    m->ehdr.e_machine = EM_X86_64;
    m->ehdr.e_entry = KERNEL_PADDR;
    m->ehdr.e_phoff = sizeof(Elf64_Ehdr);
    m->ehdr.e_shoff = sizeof(Elf64_Ehdr) + sizeof(m->phdr);
    m->ehdr.e_phentsize = sizeof(Elf64_Phdr);
    m->ehdr.e_shentsize = sizeof(Elf64_Shdr);
    for (size_t i = 0; i < sizeof(code); i++)
        code[i] = (uint8_t)(i * 7);
    m->phdr[m->ehdr.e_phnum++] = (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_offset = make_bytes(m, code, sizeof(code)),
        .p_vaddr = BASE + KERNEL_PADDR,
        .p_paddr = KERNEL_PADDR,
        .p_filesz = sizeof(code),
        .p_memsz = 0x900,
    };
    m->ehdr.e_shnum = 2;
    m->ehdr.e_shstrndx = 1;
    m->shdr[1] = (Elf64_Shdr){
        .sh_name = 1,
        .sh_type = SHT_STRTAB,
        .sh_offset = make_bytes(m, names, sizeof(names)),
        .sh_size = sizeof(names),
    };
}

uint64_t make_bytes(struct maker *m, const void *p, size_t n)
{
    uint64_t off = BODY + m->body_size;

    assert_true(m->body_size + n + 4 <= sizeof(m->body));
    memcpy(m->body + m->body_size, p, n);
    m->body_size += (n + 3) & ~(size_t)3;
    return off;
}

void make_note(struct maker *m, const char *name, uint32_t type,
               const void *desc, uint32_t size)
{
    Elf64_Nhdr h = {(uint32_t)strlen(name) + 1, size, type};

    make_bytes(m, &h, sizeof(h));
    make_bytes(m, name, h.n_namesz);
    make_bytes(m, desc, size);
}

void make_number(struct maker *m, uint32_t type, uint64_t value)
{
    make_note(m, "Xen", type, &value, 8);
}

void make_text(struct maker *m, uint32_t type, const char *text)
{
    make_note(m, "Xen", type, text, (uint32_t)strlen(text) + 1);
}

void make_notes_begin(struct maker *m)
{
    notes_start = m->body_size;
}

void make_notes_end(struct maker *m, bool as_section)
{
    uint64_t off = BODY + notes_start, size = m->body_size - notes_start;

    if (as_section)
        m->shdr[m->ehdr.e_shnum++] = (Elf64_Shdr){
            .sh_name = 8,
            .sh_type = SHT_NOTE,
            .sh_offset = off,
            .sh_size = size,
            .sh_addralign = 4,
        };
    else
        m->phdr[m->ehdr.e_phnum++] = (Elf64_Phdr){
            .p_type = PT_NOTE,
            .p_offset = off,
            .p_filesz = size,
            .p_memsz = size,
            .p_align = 4,
        };
}

void make_guest_section(struct maker *m, const char *text)
{
    m->shdr[m->ehdr.e_shnum++] = (Elf64_Shdr){
        .sh_name = 15,
        .sh_type = SHT_PROGBITS,
        .sh_offset = make_bytes(m, text, strlen(text)),
        .sh_size = strlen(text),
    };
}

void make_finish(struct maker *m)
{
    m->out_size = BODY + m->body_size;
    m->out = calloc(1, m->out_size);
    memcpy(m->out, &m->ehdr, sizeof(m->ehdr));
    memcpy(m->out + sizeof(m->ehdr), m->phdr, sizeof(m->phdr));
    memcpy(m->out + sizeof(m->ehdr) + sizeof(m->phdr), m->shdr,
           sizeof(m->shdr));
    memcpy(m->out + BODY, m->body, m->body_size);
}

void make_free(struct maker *m)
{
    free(m->out);
    m->out = NULL;
}

void make_linux_notes(struct maker *m)
{
    uint64_t valid[2] = {1, 1};

    make_note(m, "GNU", 3, "0123456789abcdef", 16);
    make_text(m, XEN_ELFNOTE_GUEST_OS, "linux");
    make_text(m, XEN_ELFNOTE_GUEST_VERSION, "2.6");
    make_text(m, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    make_number(m, XEN_ELFNOTE_VIRT_BASE, BASE);
    make_number(m, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    make_number(m, XEN_ELFNOTE_ENTRY, ENTRY);
    make_text(m, XEN_ELFNOTE_FEATURES,
              "!writable_page_tables|pae_pgdir_above_4gb");
    make_note(m, "Xen", XEN_ELFNOTE_SUPPORTED_FEATURES, "\x01\x88\0\0", 4);
    make_text(m, XEN_ELFNOTE_PAE_MODE, "yes");
    make_text(m, XEN_ELFNOTE_LOADER, "generic");
    make_note(m, "Xen", XEN_ELFNOTE_L1_MFN_VALID, valid, 16);
    make_note(m, "Xen", XEN_ELFNOTE_SUSPEND_CANCEL, "\1\0\0\0", 4);
    make_note(m, "Xen", XEN_ELFNOTE_MOD_START_PFN, "\1\0\0\0", 4);
    make_number(m, XEN_ELFNOTE_HV_START_LOW, 0xffff800000000000);
    make_number(m, XEN_ELFNOTE_PADDR_OFFSET, 0);
}

void make_linux(struct maker *m)
{
    make_start(m);
    make_notes_begin(m);
    make_linux_notes(m);
    make_notes_end(m, false);
    make_finish(m);
}

static size_t pack_gzip(const void *src, size_t size, uint8_t *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)src,
                  .avail_in = (uInt)size,
                  .next_out = out,
                  .avail_out = (uInt)room};

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, 0), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static size_t pack_xz(const void *src, size_t size, uint8_t *out, size_t room)
{
    lzma_options_lzma opt;
    lzma_filter filters[] = {{LZMA_FILTER_X86, NULL},
                             {LZMA_FILTER_LZMA2, &opt},
                             {LZMA_VLI_UNKNOWN, NULL}};
    size_t pos = 0;

    assert_false(lzma_lzma_preset(&opt, 6));
    opt.dict_size = 1 << 20;
    assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL,
                                               src, size, out, &pos, room),
                     LZMA_OK);
    return pos;
}

uint8_t *make_packed(enum payload_kind kind, const void *src, size_t size,
                     bool append_size, size_t *out_size)
{
    size_t room = size + size / 8 + 4096, n = 0;
    uint32_t tail = (uint32_t)size;
    uint8_t *out = malloc(room), *exact;

    if (kind == PAYLOAD_GZIP)
        n = pack_gzip(src, size, out, room);
    else if (kind == PAYLOAD_XZ)
        n = pack_xz(src, size, out, room);
    else
        n = ZSTD_compress(out, room, src, size, 3);
    assert_true(n && n < room - 4);
    if (append_size) {
        memcpy(out + n, &tail, 4);
        n += 4;
    }
    exact = malloc(n);
    memcpy(exact, out, n);
    free(out);
    *out_size = n;
    return exact;
}

uint8_t *make_bzimage(const void *payload, size_t size, size_t *out_size)
{
    size_t start = 2 * 512 + 0x40;
    uint32_t off = 0x40, len = (uint32_t)size;
    uint8_t *f = calloc(1, start + size);

    f[0x1f1] = 1; /* one sector besides the boot sector */
    f[0x1fe] = 0x55;
    f[0x1ff] = 0xaa;
    memcpy(f + 0x202, "HdrS\x0f\x02", 6);
    memcpy(f + 0x248, &off, 4);
    memcpy(f + 0x24c, &len, 4);
    memcpy(f + start, payload, size);
    *out_size = start + size;
    return f;
}
