/*
 * A domain's memory in a file, in the format that Xen's tools write and the
 * crash utility reads: an ELF file with sections for the vCPUs' registers, the
 * shared page, the list of frames and the frames themselves.
 *
 * Where the frames are, the guest says (its p2m list). All of that is read
 * through mappings that the hypervisor grants of the guest's frames alone, and
 * no more frames are written than the domain has.
 */
#include "internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/elfnote.h>
#include <xen/version.h>

#define ENTRIES 512ul /* of 8 bytes in a page */
#define BATCH 256u
#define MAGIC 0xF00FEBEDull

struct p2m_entry {
    uint64_t pfn, mfn;
};

struct core {
    struct xeno *x;
    struct xeno_domain d;
    shared_info_t *shared; /* mapped */
    struct p2m_entry *p2m;
    uint64_t pages;
    int fd;
};

/* ---- the guest's memory ---- */

/* Maps frames for reading; those that cannot be are marked in err. */
static void *map(struct xeno *x, uint32_t id, const xen_pfn_t *mfns, unsigned n,
                 int *err)
{
    xenforeignmemory_handle *f = foreign_memory(x);

    return f ? xenforeignmemory_map(f, id, PROT_READ, n, mfns, err) : NULL;
}

/* A copy of one frame; false: it is not the guest's. */
static bool read_frame(struct core *c, xen_pfn_t mfn, void *page)
{
    int err = 0;
    void *p = map(c->x, c->d.id, &mfn, 1, &err);
    bool ok = p && !err;

    if (ok)
        memcpy(page, p, XENO_PAGE_SIZE);
    if (p)
        xeno_unmap(c->x, p, 1);
    return ok;
}

/* The frame that `table`, a page table's frame, has for an address. */
static xen_pfn_t walk(struct core *c, xen_pfn_t table, uint64_t addr)
{
    uint64_t page[ENTRIES], e;

    for (unsigned shift = 39; shift >= 12; shift -= 9) {
        if (!read_frame(c, table, page))
            return 0;
        e = page[addr >> shift & (ENTRIES - 1)];
        if (!(e & 1))
            return 0;
        table = e >> 12 & 0xffffffffffull;
    }
    return table;
}

/* The nth page of the list: it is mapped in the guest, or in a tree. */
static bool read_p2m_page(struct core *c, uint64_t n, uint64_t *page)
{
    const struct arch_shared_info *a = &c->shared->arch;
    uint64_t list[ENTRIES];
    xen_pfn_t mfn;

    if (a->p2m_cr3) {
        mfn = walk(c, xen_cr3_to_pfn(a->p2m_cr3),
                   a->p2m_vaddr + n * XENO_PAGE_SIZE);
        return mfn && read_frame(c, mfn, page);
    }
    return n < ENTRIES * ENTRIES &&
           read_frame(c, a->pfn_to_mfn_frame_list_list, list) &&
           read_frame(c, list[n / ENTRIES], list) &&
           read_frame(c, list[n % ENTRIES], page);
}

/* All of the list that names frames. */
static int read_p2m(struct core *c)
{
    uint64_t most = c->shared->arch.max_pfn, page[ENTRIES];
    const uint64_t limit = c->d.max_pages + ENTRIES;

    c->p2m = calloc(c->d.pages + 1, sizeof(*c->p2m));
    if (!c->p2m)
        return xeno_fail(c->x, ENOMEM, "out of memory");
    for (uint64_t n = 0; n * ENTRIES < most && n * ENTRIES < limit; n++) {
        if (!read_p2m_page(c, n, page))
            continue;
        for (unsigned i = 0; i < ENTRIES && c->pages < c->d.pages; i++)
            /* The two highest bits mean: no frame, or not its own. */
            if (n * ENTRIES + i < most && page[i] && !(page[i] >> 62))
                c->p2m[c->pages++] =
                    (struct p2m_entry){n * ENTRIES + i, page[i]};
    }
    if (!c->pages)
        return xeno_fail(c->x, ENODATA, "domain %u does not say where its "
                         "memory is", c->d.id);
    return 0;
}

/* ---- the file ---- */

static int put(struct core *c, const void *p, size_t n)
{
    while (n) {
        ssize_t done = write(c->fd, p, n);

        if (done < 0 && errno != EINTR)
            return xeno_fail(c->x, errno, "cannot write the dump: %s",
                             strerror(errno));
        if (done > 0)
            p = (const char *)p + done, n -= (size_t)done;
    }
    return 0;
}

/* A note is a header, "Xen", and what it has to say. */
struct note {
    Elf64_Nhdr header;
    char name[4];
};

#define NOTE(what, size)                                                       \
    {.header = {.n_namesz = 4, .n_descsz = (size), .n_type = (what)},          \
     .name = "Xen"}

struct notes {
    struct note none;
    struct note header;
    struct {
        uint64_t magic, vcpus, pages, page_size;
    } header_desc;
    struct note version;
    struct {
        uint64_t major, minor;
        xen_extraversion_t extra;
        xen_compile_info_t compile;
        xen_capabilities_info_t capabilities;
        xen_changeset_info_t changeset;
        xen_platform_parameters_t platform;
        uint64_t page_size;
    } version_desc;
    struct note format;
    uint64_t format_desc;
};

static void fill_version(struct notes *n, const struct xeno_machine *m)
{
    n->version_desc.major = m->version_major;
    n->version_desc.minor = m->version_minor;
    n->version_desc.platform.virt_start = m->virt_start;
    n->version_desc.page_size = XENO_PAGE_SIZE;
    snprintf(n->version_desc.extra, sizeof(n->version_desc.extra), "%s",
             m->version_extra);
    snprintf(n->version_desc.capabilities,
             sizeof(n->version_desc.capabilities), "%s", m->capabilities);
    snprintf(n->version_desc.changeset, sizeof(n->version_desc.changeset), "%s",
             m->changeset);
    snprintf(n->version_desc.compile.compiler,
             sizeof(n->version_desc.compile.compiler), "%s", m->compiler);
}

static int put_notes(struct core *c)
{
    struct notes n = {
        .none = NOTE(XEN_ELFNOTE_DUMPCORE_NONE, 0),
        .header = NOTE(XEN_ELFNOTE_DUMPCORE_HEADER, sizeof(n.header_desc)),
        .header_desc = {MAGIC, c->d.max_vcpu_id + 1, c->pages, XENO_PAGE_SIZE},
        .version = NOTE(XEN_ELFNOTE_DUMPCORE_XEN_VERSION,
                        sizeof(n.version_desc)),
        .format = NOTE(XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, sizeof(uint64_t)),
        .format_desc = 1,
    };
    struct xeno_machine m;
    int rc = xeno_machine_info(c->x, &m);

    if (rc)
        return rc;
    fill_version(&n, &m);
    return put(c, &n, sizeof(n));
}

static int put_registers(struct core *c)
{
    struct vcpu_guest_context *context = calloc(1, sizeof(*context));
    int rc = context ? 0 : xeno_fail(c->x, ENOMEM, "out of memory");

    for (unsigned v = 0; !rc && v <= c->d.max_vcpu_id; v++) {
        rc = xeno_vcpu_context(c->x, c->d.id, v, context);
        if (!rc)
            rc = put(c, context, sizeof(*context));
    }
    free(context);
    return rc;
}

/* What the guest gave away meanwhile is zeros. */
static int put_frames(struct core *c)
{
    static const char zeros[XENO_PAGE_SIZE];
    xen_pfn_t mfns[BATCH];
    int err[BATCH], rc = 0;

    for (uint64_t at = 0; at < c->pages && !rc; at += BATCH) {
        unsigned n = c->pages - at < BATCH ? (unsigned)(c->pages - at) : BATCH;
        char *p;

        for (unsigned i = 0; i < n; i++)
            mfns[i] = c->p2m[at + i].mfn;
        memset(err, 0, sizeof(err));
        p = map(c->x, c->d.id, mfns, n, err);
        for (unsigned i = 0; i < n && !rc; i++)
            rc = put(c, p && !err[i] ? p + i * XENO_PAGE_SIZE : zeros,
                     XENO_PAGE_SIZE);
        if (p)
            xeno_unmap(c->x, p, n);
    }
    return rc;
}

enum { NULL_SECTION, NAMES, NOTES, REGISTERS, SHARED, P2M, PAGES, NR_SECTIONS };

static const char names[] = "\0.shstrtab\0.note.Xen\0.xen_prstatus\0"
                            ".xen_shared_info\0.xen_p2m\0.xen_pages";

static Elf64_Word name_offset(const char *name)
{
    const char *p = names + 1;

    while (strcmp(p, name))
        p += strlen(p) + 1;
    return (Elf64_Word)(p - names);
}

/* The sections follow each other in the file, pages on a boundary. */
static void lay_out(const struct core *c, Elf64_Shdr *s)
{
    static const char *const name[] = {"", ".shstrtab", ".note.Xen",
                                       ".xen_prstatus", ".xen_shared_info",
                                       ".xen_p2m", ".xen_pages"};
    const uint64_t entry[] = {0, 0, 0, sizeof(struct vcpu_guest_context),
                              XENO_PAGE_SIZE, sizeof(struct p2m_entry),
                              XENO_PAGE_SIZE};
    const uint64_t count[] = {0, sizeof(names), sizeof(struct notes),
                              c->d.max_vcpu_id + 1, 1, c->pages, c->pages};
    uint64_t at = sizeof(Elf64_Ehdr) + NR_SECTIONS * sizeof(*s);

    for (unsigned i = NAMES; i < NR_SECTIONS; i++) {
        if (i == PAGES)
            at = (at + XENO_PAGE_SIZE - 1) & ~(XENO_PAGE_SIZE - 1);
        s[i] = (Elf64_Shdr){.sh_name = name_offset(name[i]),
                            .sh_type = i == NAMES ? SHT_STRTAB
                                       : i == NOTES ? SHT_NOTE : SHT_PROGBITS,
                            .sh_offset = at,
                            .sh_size = count[i] * (entry[i] ? entry[i] : 1),
                            .sh_entsize = entry[i],
                            .sh_addralign = i == PAGES ? XENO_PAGE_SIZE : 1};
        at += s[i].sh_size;
    }
}

static int put_headers(struct core *c, const Elf64_Shdr *sections)
{
    const Elf64_Ehdr e = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                    EV_CURRENT},
        .e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
        .e_shoff = sizeof(e), .e_ehsize = sizeof(e),
        .e_shentsize = sizeof(*sections), .e_shnum = NR_SECTIONS,
        .e_shstrndx = NAMES};
    int rc = put(c, &e, sizeof(e));

    if (!rc)
        rc = put(c, sections, NR_SECTIONS * sizeof(*sections));
    return rc ? rc : put(c, names, sizeof(names));
}

static int put_all(struct core *c)
{
    Elf64_Shdr sections[NR_SECTIONS] = {{0}};
    int rc;

    lay_out(c, sections);
    rc = put_headers(c, sections);
    if (!rc)
        rc = put_notes(c);
    if (!rc)
        rc = put_registers(c);
    if (!rc)
        rc = put(c, c->shared, XENO_PAGE_SIZE);
    if (!rc)
        rc = put(c, c->p2m, c->pages * sizeof(*c->p2m));
    if (!rc && lseek(c->fd, (off_t)sections[PAGES].sh_offset, SEEK_SET) < 0)
        rc = xeno_fail(c->x, errno, "cannot write the dump: %s",
                       strerror(errno));
    return rc ? rc : put_frames(c);
}

static int write_file(struct core *c, const char *path)
{
    int rc;

    c->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (c->fd < 0)
        return xeno_fail(c->x, errno, "cannot write '%s': %s", path,
                         strerror(errno));
    rc = put_all(c);
    close(c->fd);
    if (rc)
        unlink(path);
    return rc;
}

int xeno_core_dump(struct xeno *x, uint32_t id, const char *path)
{
    struct core c = {.x = x};
    xen_pfn_t mfn;
    int err = 0, rc = xeno_domain_info(x, id, &c.d);

    if (rc)
        return rc;
    mfn = c.d.shared_info_mfn;
    c.shared = map(x, id, &mfn, 1, &err);
    if (!c.shared || err)
        return xeno_fail(x, EIO, "cannot map the shared page of domain %u", id);
    rc = read_p2m(&c);
    if (!rc)
        rc = write_file(&c, path);
    xeno_unmap(x, c.shared, 1);
    free(c.p2m);
    return rc;
}
