/*
 * Two sources, one result: each note (or each item of the __xen_guest string)
 * sets a field and its bit in `present`; defaults that depend on the source
 * come at the end. Strings in an image need not be terminated: they are copied
 * with a bound before anything looks at them.
 */
#include "domain/loader/notes.h"

#include <xen/elfnote.h>
#include <xen/features.h>

#include "lib/errno.h"
#include "lib/string.h"

/* Names as in the public header, in lower case and without XENFEAT_. */
static const char *const feature_names[] = {
    [XENFEAT_writable_page_tables] = "writable_page_tables",
    [XENFEAT_writable_descriptor_tables] = "writable_descriptor_tables",
    [XENFEAT_auto_translated_physmap] = "auto_translated_physmap",
    [XENFEAT_supervisor_mode_kernel] = "supervisor_mode_kernel",
    [XENFEAT_pae_pgdir_above_4gb] = "pae_pgdir_above_4gb",
    [XENFEAT_mmu_pt_update_preserve_ad] = "mmu_pt_update_preserve_ad",
    [XENFEAT_highmem_assist] = "highmem_assist",
    [XENFEAT_gnttab_map_avail_bits] = "gnttab_map_avail_bits",
    [XENFEAT_hvm_callback_vector] = "hvm_callback_vector",
    [XENFEAT_hvm_safe_pvclock] = "hvm_safe_pvclock",
    [XENFEAT_hvm_pirqs] = "hvm_pirqs",
    [XENFEAT_dom0] = "dom0",
    [XENFEAT_memory_op_vnode_supported] = "memory_op_vnode_supported",
    [XENFEAT_ARM_SMCCC_supported] = "ARM_SMCCC_supported",
    [XENFEAT_linux_rsdp_unrestricted] = "linux_rsdp_unrestricted",
    [XENFEAT_not_direct_mapped] = "not_direct_mapped",
    [XENFEAT_direct_mapped] = "direct_mapped",
};

/* Longest feature list, and longest single value, that is looked at. */
#define MAX_LIST 512
#define MAX_ITEM 64

struct reader {
    struct xen_image_parms *parms;
    const struct image_env *env;
    struct image_error *err;
};

const char *xen_feature_name(unsigned int bit)
{
    return bit < ARRAY_SIZE(feature_names) ? feature_names[bit] : NULL;
}

/* Copies text of at most len bytes; false if it had to be cut. */
static bool take_text(char *dst, size_t size, const void *src, size_t len)
{
    size_t n = strnlen(src, len);
    bool whole = n < size;

    n = min(n, size - 1);
    memcpy(dst, src, n);
    dst[n] = 0;
    return whole;
}

/* One name of a feature list, "!" before it makes it required. */
static int take_feature(struct reader *r, const char *name, size_t len)
{
    bool required = len && name[0] == '!';

    name += required;
    len -= required;
    if (!len)
        return 0;
    for (unsigned int i = 0; i < ARRAY_SIZE(feature_names); i++) {
        if (!feature_names[i] || strlen(feature_names[i]) != len ||
            memcmp(feature_names[i], name, len))
            continue;
        r->parms->features_supported |= 1u << i;
        if (required)
            r->parms->features_required |= 1u << i;
        return 0;
    }
    if (required)
        return image_fail(r->err, EOPNOTSUPP,
                          "requires the unknown feature \"%.*s\"",
                          (int)min(len, (size_t)MAX_ITEM), name);
    image_warn(r->env, "unknown feature \"%.*s\" ignored",
               (int)min(len, (size_t)MAX_ITEM), name);
    return 0;
}

static int take_features(struct reader *r, const void *text, size_t len)
{
    char list[MAX_LIST];
    const char *p = list;

    if (!take_text(list, sizeof(list), text, len))
        return image_fail(r->err, ENOEXEC, "feature list is over %u bytes",
                          MAX_LIST - 1);
    for (;;) {
        const char *bar = strchr(p, '|');
        int rc = take_feature(r, p, bar ? (size_t)(bar - p) : strlen(p));

        if (rc || !bar)
            return rc;
        p = bar + 1;
    }
}

static int take_pae(struct reader *r, const void *text, size_t len)
{
    char mode[MAX_ITEM];

    take_text(mode, sizeof(mode), text, len);
    if (strstr(mode, "bimodal"))
        r->parms->pae = XEN_PAE_BIMODAL;
    else if (!strncmp(mode, "yes", 3))
        r->parms->pae = XEN_PAE_YES;
    else if (!strcmp(mode, "no"))
        r->parms->pae = XEN_PAE_NO;
    else
        return image_fail(r->err, ENOEXEC, "PAE mode \"%s\" is unknown", mode);
    return 0;
}

/* Sets a text field; false if `note` is not one of text. */
static bool take_name(struct xen_image_parms *p, uint32_t note,
                      const void *text, size_t len)
{
    switch (note) {
    case XEN_ELFNOTE_XEN_VERSION:
        take_text(p->xen_version, sizeof(p->xen_version), text, len);
        return true;
    case XEN_ELFNOTE_GUEST_OS:
        take_text(p->guest_os, sizeof(p->guest_os), text, len);
        return true;
    case XEN_ELFNOTE_GUEST_VERSION:
        take_text(p->guest_version, sizeof(p->guest_version), text, len);
        return true;
    case XEN_ELFNOTE_LOADER:
        take_text(p->loader, sizeof(p->loader), text, len);
        return true;
    default:
        return false;
    }
}

/* Sets a number field; false if `note` is not one of numbers. */
static bool take_number(struct xen_image_parms *p, uint32_t note, uint64_t v)
{
    switch (note) {
    case XEN_ELFNOTE_ENTRY:
        p->virt_entry = v;
        return true;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        p->virt_hypercall = v;
        return true;
    case XEN_ELFNOTE_VIRT_BASE:
        p->virt_base = v;
        return true;
    case XEN_ELFNOTE_PADDR_OFFSET:
        p->elf_paddr_offset = v;
        return true;
    case XEN_ELFNOTE_HV_START_LOW:
        p->hv_start_low = v;
        return true;
    case XEN_ELFNOTE_SUSPEND_CANCEL:
        p->suspend_cancel = v != 0;
        return true;
    case XEN_ELFNOTE_INIT_P2M:
        p->init_p2m = v;
        return true;
    case XEN_ELFNOTE_MOD_START_PFN:
        p->unmapped_initrd = v != 0;
        return true;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        p->features_supported |= (uint32_t)v;
        return true;
    case XEN_ELFNOTE_PHYS32_ENTRY:
        p->phys_entry = v;
        return true;
    default:
        return false;
    }
}

static bool is_number(uint32_t note)
{
    struct xen_image_parms scratch = {0};

    return take_number(&scratch, note, 0);
}

/* Little-endian value of 1, 2, 4 or 8 bytes. */
static int note_number(const struct elf_note *note, uint64_t *value)
{
    uint8_t raw[8] = {0};

    if (note->size != 1 && note->size != 2 && note->size != 4 &&
        note->size != 8)
        return -EINVAL;
    memcpy(raw, note->desc, note->size);
    memcpy(value, raw, sizeof(*value));
    return 0;
}

static int take_l1_mask(struct reader *r, const struct elf_note *note)
{
    if (note->size < 16 || note->size % 16)
        return image_fail(r->err, ENOEXEC,
                          "L1_MFN_VALID note has %u bytes, not pairs of 16",
                          note->size);
    memcpy(&r->parms->l1_mfn_mask, note->desc, 8);
    memcpy(&r->parms->l1_mfn_value, note->desc + 8, 8);
    return 0;
}

/* The notes that are neither a plain number nor a plain text. */
static int take_special(struct reader *r, const struct elf_note *note)
{
    char text[8];

    switch (note->type) {
    case XEN_ELFNOTE_PAE_MODE:
        return take_pae(r, note->desc, note->size);
    case XEN_ELFNOTE_FEATURES:
        return take_features(r, note->desc, note->size);
    case XEN_ELFNOTE_BSD_SYMTAB:
        take_text(text, sizeof(text), note->desc, note->size);
        r->parms->bsd_symtab = !strcmp(text, "yes");
        return 0;
    case XEN_ELFNOTE_L1_MFN_VALID:
        return take_l1_mask(r, note);
    default: /* XEN_ELFNOTE_INFO: free text */
        return 0;
    }
}

static int take_note(void *ctx, const struct elf_note *note)
{
    struct reader *r = ctx;
    uint64_t value;

    if (note->type > XEN_ELFNOTE_MAX) {
        image_warn(r->env, "unknown Xen note 0x%x ignored", note->type);
        return 0;
    }
    r->parms->present |= 1u << note->type;
    if (is_number(note->type)) {
        if (note_number(note, &value))
            return image_fail(r->err, ENOEXEC,
                              "Xen note %u has %u bytes, not a number",
                              note->type, note->size);
        take_number(r->parms, note->type, value);
        return 0;
    }
    if (take_name(r->parms, note->type, note->desc, note->size))
        return 0;
    return take_special(r, note);
}

/* Keys of the __xen_guest string and the notes that replaced them. */
static const struct {
    const char *key;
    uint32_t note;
} string_keys[] = {
    {"VIRT_BASE", XEN_ELFNOTE_VIRT_BASE},
    {"VIRT_ENTRY", XEN_ELFNOTE_ENTRY},
    {"ELF_PADDR_OFFSET", XEN_ELFNOTE_PADDR_OFFSET},
    {"HYPERCALL_PAGE", XEN_ELFNOTE_HYPERCALL_PAGE},
    {"XEN_VER", XEN_ELFNOTE_XEN_VERSION},
    {"GUEST_OS", XEN_ELFNOTE_GUEST_OS},
    {"GUEST_VER", XEN_ELFNOTE_GUEST_VERSION},
    {"GUEST_VERSION", XEN_ELFNOTE_GUEST_VERSION},
    {"LOADER", XEN_ELFNOTE_LOADER},
    {"PAE", XEN_ELFNOTE_PAE_MODE},
    {"FEATURES", XEN_ELFNOTE_FEATURES},
    {"BSD_SYMTAB", XEN_ELFNOTE_BSD_SYMTAB},
};

/* All of text as a number of base 16 (with 0x) or 10; false if it is none. */
static bool parse_number(const char *text, uint64_t *value)
{
    static const char digits[] = "0123456789abcdef";
    bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';
    uint64_t base = hex ? 16 : 10, v = 0;

    text += hex ? 2 : 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        char lower = *text >= 'A' && *text <= 'F' ? *text | 0x20 : *text;
        const char *digit = strchr(digits, lower);

        if (!digit || (uint64_t)(digit - digits) >= base ||
            __builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, (uint64_t)(digit - digits), &v))
            return false;
    }
    *value = v;
    return true;
}

static int string_number(struct reader *r, const char *key, uint32_t note,
                         const char *value)
{
    uint64_t v;

    if (!parse_number(value, &v))
        return image_fail(r->err, ENOEXEC, "__xen_guest: bad number %s=%s", key,
                          value);
    take_number(r->parms, note, v);
    return 0;
}

/* value is "" for a key without "=". */
static int string_item(struct reader *r, const char *key, const char *value)
{
    struct elf_note item = {.desc = (const uint8_t *)value,
                            .size = (uint32_t)strlen(value)};

    for (size_t i = 0; i < ARRAY_SIZE(string_keys); i++) {
        if (strcmp(key, string_keys[i].key))
            continue;
        item.type = string_keys[i].note;
        r->parms->present |= 1u << item.type;
        if (item.type == XEN_ELFNOTE_BSD_SYMTAB) {
            r->parms->bsd_symtab = true;
            return 0;
        }
        if (is_number(item.type))
            return string_number(r, key, item.type, value);
        if (take_name(r->parms, item.type, value, item.size))
            return 0;
        return take_special(r, &item);
    }
    /* The 2004 way to ask for a feature. */
    if (!strcmp(key, "PT_MODE_WRITABLE"))
        r->parms->features_supported |= 1u << XENFEAT_writable_page_tables;
    else
        image_warn(r->env, "__xen_guest: unknown item %s ignored", key);
    return 0;
}

/* Comma-separated items KEY or KEY=value, up to a zero byte or the end. */
static int read_string(struct reader *r, const uint8_t *text, uint64_t size)
{
    char buf[2 * MAX_LIST], *p = buf;

    if (!take_text(buf, sizeof(buf), text, size))
        return image_fail(r->err, ENOEXEC, "__xen_guest is over %u bytes",
                          (unsigned int)sizeof(buf) - 1);
    r->parms->from_string = true;
    while (p) {
        char *next = strchr(p, ','), *value;
        int rc;

        if (next)
            *next++ = 0;
        value = strchr(p, '=');
        if (value)
            *value++ = 0;
        rc = *p ? string_item(r, p, value ? value : "") : 0;
        if (rc)
            return rc;
        p = next;
    }
    return 0;
}

/* In the string the page is given by its number in guest-physical memory. */
static void string_defaults(struct xen_image_parms *p)
{
    if (!parms_have(p, XEN_ELFNOTE_PADDR_OFFSET))
        p->elf_paddr_offset = p->virt_base;
    if (parms_have(p, XEN_ELFNOTE_HYPERCALL_PAGE))
        p->virt_hypercall = p->virt_base + (p->virt_hypercall << PAGE_SHIFT);
}

int xen_parms_parse(struct xen_image_parms *parms, const struct elf_image *elf,
                    const struct image_env *env, struct image_error *err)
{
    struct reader r = {parms, env, err};
    const uint8_t *text;
    unsigned int found;
    uint64_t size;
    bool damaged;
    int rc;

    memset(parms, 0, sizeof(*parms));
    rc = elf_each_xen_note(elf, take_note, &r, &found, &damaged);
    if (rc)
        return rc;
    if (damaged)
        image_warn(env, "a note runs past its segment; the rest is ignored");
    if (!found) {
        text = elf_section(elf, "__xen_guest", &size);
        if (!text)
            return image_fail(err, ENOEXEC,
                              "not a Xen-capable kernel (no Xen "
                              "notes, no __xen_guest section)");
        rc = read_string(&r, text, size);
        if (rc)
            return rc;
        string_defaults(parms);
    }
    if (!parms_have(parms, XEN_ELFNOTE_ENTRY))
        parms->virt_entry = elf->entry;
    return 0;
}

int xen_parms_read(struct xen_image_parms *parms, const struct elf_image *elf,
                   const struct image_env *env, struct image_error *err)
{
    int rc = xen_parms_parse(parms, elf, env, err);

    return rc ? rc : xen_parms_check(parms, elf, env, err);
}
