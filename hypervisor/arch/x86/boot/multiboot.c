/*
 * The information structures of multiboot 1 (0.6.96) and multiboot 2. The
 * loader is trusted to mean well but not to be right: every address and count
 * is checked against what can be read, every loop is bounded.
 */
#include "arch/x86/boot/multiboot.h"

#include "arch/x86/boot/e820.h"
#include "lib/compiler.h"
#include "lib/string.h"

/* Flags of the multiboot 1 structure: which fields are valid. */
#define MB1_HAS_MEMORY 0x0001u
#define MB1_HAS_CMDLINE 0x0004u
#define MB1_HAS_MODULES 0x0008u
#define MB1_HAS_MMAP 0x0040u
#define MB1_HAS_LOADER_NAME 0x0200u
#define MB1_HAS_FRAMEBUFFER 0x1000u

#define FRAMEBUFFER_EGA_TEXT 2
#define STRING_MAX 4096
#define MMAP_MAX_BYTES 0x10000u

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
    uint32_t mods_count, mods_addr, syms[4], mmap_length, mmap_addr;
    uint32_t drives_length, drives_addr, config_table, loader_name;
};
/* Farther on in the same structure. */
#define MB1_FRAMEBUFFER_OFFSET 88
struct mb_framebuffer {
    uint64_t addr;
    uint32_t pitch, width, height;
    uint8_t bpp, type;
} __packed;
struct mb1_module {
    uint32_t start, end, string, reserved;
};
struct mb1_range {
    uint32_t size; /* of what follows */
    uint64_t addr, len;
    uint32_t type;
} __packed;

/* Multiboot 2: tags, each 8-byte aligned. */
enum {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_LOADER_NAME = 2,
    TAG_MODULE = 3,
    TAG_MEMORY = 4,
    TAG_MMAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_EFI32 = 11,
    TAG_EFI64 = 12,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
    TAG_EFI_MMAP = 17,
};
struct mb2_tag {
    uint32_t type, size;
};
struct mb2_mmap {
    uint32_t entry_size, entry_version;
};
struct mb2_range {
    uint64_t addr, len;
    uint32_t type, reserved;
};
struct mb2_efi_mmap {
    uint32_t desc_size, desc_version;
};
struct efi_desc {
    uint32_t type, pad;
    uint64_t start, virt, pages, attributes;
};

static bool fetch(const struct mb_source *src, paddr_t addr, void *to,
                  size_t size)
{
    const void *p = src->at(addr, size);

    if (p)
        memcpy(to, p, size);
    return p != NULL;
}

/* Copies a string of at most `limit` bytes; never NULL. */
static const char *copy_string(struct mb_source *src, paddr_t addr,
                               size_t limit)
{
    char *to = src->strings + src->used;
    size_t n = 0;

    if (src->used >= src->size) {
        src->truncated = true;
        return "";
    }
    while (n < limit) {
        const char *c = src->at(addr + n, 1);
        if (!c || !*c)
            break;
        if (src->used + n + 1 >= src->size || n >= STRING_MAX) {
            src->truncated = true;
            break;
        }
        to[n++] = *c;
    }
    to[n] = 0;
    src->used += n + 1;
    return to;
}

static void add_range(struct mb_source *src, struct boot_info *bi,
                      uint64_t addr, uint64_t len, uint32_t type)
{
    struct e820_map map = {bi->e820, bi->nr_e820};

    if (!e820_add(&map, addr, len, type))
        src->truncated = true;
    bi->nr_e820 = map.nr;
}

/* Loaders without a memory map at least tell how much there is in one piece. */
static void add_basic_memory(struct mb_source *src, struct boot_info *bi,
                             uint32_t lower_kib, uint32_t upper_kib)
{
    if (bi->nr_e820)
        return;
    add_range(src, bi, 0, min(lower_kib, 640u) * KiB, E820_RAM);
    add_range(src, bi, MiB, upper_kib * KiB, E820_RAM);
}

static void add_module(struct mb_source *src, struct boot_info *bi,
                       uint32_t start, uint32_t end, const char *cmdline)
{
    if (bi->nr_modules == MAX_MODULES) {
        src->truncated = true;
        return;
    }
    bi->module[bi->nr_modules++] = (struct boot_module){
        .start = start,
        .size = end > start ? end - start : 0,
        .cmdline = cmdline,
    };
}

static void set_text_screen(struct boot_info *bi,
                            const struct mb_framebuffer *f)
{
    bi->have_vga_text = f->type == FRAMEBUFFER_EGA_TEXT &&
                        f->addr == 0xb8000 && f->width == 80 &&
                        f->height >= 25 && f->height <= 50;
    bi->vga_cols = 80;
    bi->vga_rows = bi->have_vga_text ? (uint8_t)f->height : 25;
}

const char *cmdline_skip_name(const char *cmdline, const char *loader_name)
{
    static const char placeholder[] = "placeholder";
    bool grub2 = !strncmp(loader_name, "GRUB ", 5) && loader_name[5] >= '1' &&
                 loader_name[5] <= '9';
    size_t word = 0;

    while (*cmdline == ' ')
        cmdline++;
    while (cmdline[word] && cmdline[word] != ' ')
        word++;
    if (!grub2 || *cmdline == '/' || *cmdline == '(' ||
        (word == sizeof(placeholder) - 1 &&
         !strncmp(cmdline, placeholder, word)))
        cmdline += word;
    while (*cmdline == ' ')
        cmdline++;
    return cmdline;
}

static void mb1_memory_map(struct mb_source *src, uint32_t addr,
                           uint32_t length, struct boot_info *bi)
{
    uint64_t end = (uint64_t)addr + min(length, MMAP_MAX_BYTES);
    uint64_t p = addr;
    struct mb1_range r;

    while (p + sizeof(r) <= end && fetch(src, p, &r, sizeof(r))) {
        if (r.size < sizeof(r) - 4)
            break;
        add_range(src, bi, r.addr, r.len, r.type);
        p += (uint64_t)r.size + 4;
    }
}

static const char *mb1_parse(struct mb_source *src, paddr_t addr,
                             struct boot_info *bi)
{
    struct mb_framebuffer fb;
    struct mb1_info info;
    struct mb1_module m;

    if (!fetch(src, addr, &info, sizeof(info)))
        return "multiboot information is out of reach";
    if (info.flags & MB1_HAS_LOADER_NAME)
        bi->loader_name = copy_string(src, info.loader_name, 256);
    if (info.flags & MB1_HAS_CMDLINE)
        bi->cmdline = copy_string(src, info.cmdline, STRING_MAX);
    if (info.flags & MB1_HAS_MMAP)
        mb1_memory_map(src, info.mmap_addr, info.mmap_length, bi);
    if (info.flags & MB1_HAS_MEMORY)
        add_basic_memory(src, bi, info.mem_lower, info.mem_upper);
    if (info.flags & MB1_HAS_MODULES) {
        for (uint32_t i = 0; i < info.mods_count && i <= MAX_MODULES; i++) {
            if (!fetch(src, (uint64_t)info.mods_addr + i * sizeof(m), &m,
                       sizeof(m)))
                return "a multiboot module's entry is out of reach";
            add_module(src, bi, m.start, m.end,
                       m.string ? copy_string(src, m.string, STRING_MAX) : "");
        }
    }
    /* Without a word about the screen it is as the BIOS left it. */
    bi->have_vga_text = true;
    if ((info.flags & MB1_HAS_FRAMEBUFFER) &&
        fetch(src, addr + MB1_FRAMEBUFFER_OFFSET, &fb, sizeof(fb)))
        set_text_screen(bi, &fb);
    return NULL;
}

static uint32_t efi_type(uint32_t type)
{
    switch (type) {
    case 1: /* loader code, loader data */
    case 2:
    case 3: /* boot services code, boot services data: over */
    case 4:
    case 7: /* conventional */
        return E820_RAM;
    case 8:
        return E820_UNUSABLE;
    case 9:
        return E820_ACPI;
    case 10:
        return E820_NVS;
    default:
        return E820_RESERVED;
    }
}

static void efi_memory_map(struct mb_source *src, struct boot_info *bi)
{
    uint64_t end = bi->efi_mmap + bi->efi_mmap_size;
    struct efi_desc d;

    bi->nr_e820 = 0;
    for (uint64_t p = bi->efi_mmap; p + bi->efi_mmap_desc_size <= end;
         p += bi->efi_mmap_desc_size) {
        if (!fetch(src, p, &d, sizeof(d)))
            return;
        if (d.pages < 1UL << 40)
            add_range(src, bi, d.start, d.pages << PAGE_SHIFT,
                      efi_type(d.type));
    }
}

/* addr, size: what follows the tag's head. */
static void mb2_efi_mmap(struct mb_source *src, struct boot_info *bi,
                         paddr_t addr, uint32_t size)
{
    struct mb2_efi_mmap m;

    if (size < sizeof(m) || !fetch(src, addr, &m, sizeof(m)) ||
        m.desc_size < sizeof(struct efi_desc) || m.desc_size > 4096)
        return;
    bi->efi_mmap = addr + sizeof(m);
    bi->efi_mmap_size = min(size - (uint32_t)sizeof(m), MMAP_MAX_BYTES);
    bi->efi_mmap_desc_size = m.desc_size;
    bi->efi_mmap_desc_version = m.desc_version;
}

static void mb2_mmap(struct mb_source *src, struct boot_info *bi, paddr_t addr,
                     uint32_t size)
{
    uint64_t end = addr + min(size, MMAP_MAX_BYTES);
    struct mb2_mmap m;
    struct mb2_range r;

    if (size < sizeof(m) || !fetch(src, addr, &m, sizeof(m)) ||
        m.entry_size < sizeof(r))
        return;
    for (uint64_t p = addr + sizeof(m); p + sizeof(r) <= end;
         p += m.entry_size) {
        if (!fetch(src, p, &r, sizeof(r)))
            return;
        add_range(src, bi, r.addr, r.len, r.type);
    }
}

static void mb2_module(struct mb_source *src, struct boot_info *bi,
                       paddr_t addr, uint32_t size)
{
    uint32_t range[2];

    if (size < sizeof(range) || !fetch(src, addr, range, sizeof(range)))
        return;
    add_module(src, bi, range[0], range[1],
               copy_string(src, addr + sizeof(range),
                           size - sizeof(range)));
}

static void mb2_tag(struct mb_source *src, struct boot_info *bi, uint32_t type,
                    paddr_t addr, uint32_t size)
{
    struct mb_framebuffer fb;
    uint32_t basic[2];

    switch (type) {
    case TAG_CMDLINE:
        bi->cmdline = copy_string(src, addr, size);
        break;
    case TAG_LOADER_NAME:
        bi->loader_name = copy_string(src, addr, min(size, 256u));
        break;
    case TAG_MODULE:
        mb2_module(src, bi, addr, size);
        break;
    case TAG_MEMORY:
        if (size >= sizeof(basic) && fetch(src, addr, basic, sizeof(basic)))
            add_basic_memory(src, bi, basic[0], basic[1]);
        break;
    case TAG_MMAP:
        bi->nr_e820 = 0;
        mb2_mmap(src, bi, addr, size);
        break;
    case TAG_FRAMEBUFFER:
        if (size >= sizeof(fb) && fetch(src, addr, &fb, sizeof(fb)))
            set_text_screen(bi, &fb);
        break;
    case TAG_EFI32:
    case TAG_EFI64:
        bi->efi = true;
        if (size >= 8 && type == TAG_EFI64)
            (void)fetch(src, addr, &bi->efi_system_table, 8);
        break;
    case TAG_RSDP_OLD:
        if (size >= 20 && !bi->rsdp)
            bi->rsdp = addr;
        break;
    case TAG_RSDP_NEW: /* better than the old form */
        if (size >= 36)
            bi->rsdp = addr;
        break;
    case TAG_EFI_MMAP:
        mb2_efi_mmap(src, bi, addr, size);
        break;
    }
}

static const char *mb2_parse(struct mb_source *src, paddr_t addr,
                             struct boot_info *bi)
{
    bool screen_told = false;
    struct mb2_tag tag;
    uint32_t total;
    uint64_t end, p;

    if (!fetch(src, addr, &total, sizeof(total)) || total < 16 ||
        !src->at(addr, total))
        return "multiboot 2 information is out of reach";
    end = addr + total;
    for (p = addr + 8; p + sizeof(tag) <= end;
         p += ROUND_UP((uint64_t)tag.size, 8)) {
        if (!fetch(src, p, &tag, sizeof(tag)) || tag.type == TAG_END)
            break;
        if (tag.size < sizeof(tag) || tag.size > end - p)
            return "a multiboot 2 tag is larger than the information";
        screen_told |= tag.type == TAG_FRAMEBUFFER;
        mb2_tag(src, bi, tag.type, p + sizeof(tag),
                tag.size - (uint32_t)sizeof(tag));
    }
    src->keep_start = addr;
    src->keep_end = end;
    if (bi->efi_mmap)
        efi_memory_map(src, bi);
    if (!screen_told)
        bi->have_vga_text = !bi->efi;
    return NULL;
}

const char *multiboot_parse(struct mb_source *src, uint32_t magic,
                            paddr_t info, struct boot_info *bi)
{
    struct e820_map map = {bi->e820, 0};
    const char *wrong;

    memset(bi, 0, sizeof(*bi));
    bi->loader_name = bi->cmdline = "";
    bi->vga_cols = 80;
    bi->vga_rows = 25;
    if (magic == MB1_LOADER_MAGIC)
        wrong = mb1_parse(src, info, bi);
    else if (magic == MB2_LOADER_MAGIC)
        wrong = mb2_parse(src, info, bi);
    else
        wrong = "not started by a multiboot loader";
    if (wrong)
        return wrong;

    map.nr = bi->nr_e820;
    if (!e820_clean(&map))
        src->truncated = true;
    bi->nr_e820 = map.nr;
    bi->cmdline = cmdline_skip_name(bi->cmdline, bi->loader_name);
    for (unsigned i = 0; i < bi->nr_modules; i++)
        bi->module[i].cmdline =
            cmdline_skip_name(bi->module[i].cmdline, bi->loader_name);
    return e820_ram_end(&map) ? NULL : "the loader told of no memory";
}
