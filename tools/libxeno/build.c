/*
 * A PV guest's memory, from a kernel file to a vCPU that is ready to go.
 *
 *   open      read kernel and ramdisk, parse notes, lay out (no domain yet)
 *   populate  frames for all PFNs
 *   fill      kernel, ramdisk, P2M list, page tables, start_info, shared_info,
 *             the two reserved grants
 *   finish    tables pinned, registers
 *
 * The image loader and the layout are the hypervisor's own, which builds
 * domain 0 with them (hypervisor/domain/loader).
 */
#include "internal.h"

#include "domain/loader/image.h"
#include "domain/loader/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/elfnote.h>
#include <xen/features.h>

#define PTE_FLAGS 0x67ul /* present, writable, user, accessed, dirty */
#define PTE_RW 2ul
#define PTE_ADDR 0x000ffffffffff000ul
#define X86_IF 0x200
/* No kernel unpacks to more. */
#define MAX_IMAGE (512ul << 20)
/* What a kernel may require; see the public header features.h. */
#define OFFERED                                                               \
    ((1u << XENFEAT_writable_page_tables) |                                   \
     (1u << XENFEAT_writable_descriptor_tables) |                             \
     (1u << XENFEAT_pae_pgdir_above_4gb) |                                    \
     (1u << XENFEAT_mmu_pt_update_preserve_ad) |                              \
     (1u << XENFEAT_highmem_assist) | (1u << XENFEAT_gnttab_map_avail_bits))

struct file {
    const void *data;
    size_t size;
};

/*
 * What the builder writes. All else stays zero, as it comes, and is not mapped:
 * the kernel's bss, the stack, the padding.
 */
enum { KERNEL, RAMDISK, P2M, START_INFO, TABLES, P2M_TABLES, RANGES };

struct xeno_plan {
    struct file kernel, ramdisk;
    struct image_env env;
    struct loaded_image image;
    struct pv_layout l;
    xen_pfn_t *p2m;
    /* While filling: what is written of the guest, mapped as one area. */
    struct range {
        uint64_t pfn, count;
        size_t at; /* in pages of the area */
    } range[RANGES];
    size_t nr_mapped;
    char *mem;
};

/* The domain's frames that have no PFN, mapped behind the ranges. */
enum { EXTRA_SHARED_INFO, EXTRA_GRANTS, EXTRA };

/* ---- open ---- */

static int read_file(struct xeno *x, const char *what, const char *path,
                     struct file *f)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    struct stat st;
    void *p;

    if (fd < 0)
        return xeno_fail(x, errno, "cannot open the %s '%s': %s", what, path,
                         strerror(errno));
    if (fstat(fd, &st))
        rc = -errno;
    else if (!S_ISREG(st.st_mode) || !st.st_size)
        rc = -EINVAL;
    if (!rc) {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            rc = -errno;
        else
            *f = (struct file){p, (size_t)st.st_size};
    }
    close(fd);
    if (rc)
        return xeno_fail(x, -rc, "cannot read the %s '%s': %s", what, path,
                         rc == -EINVAL ? "empty, or not a file"
                                       : strerror(-rc));
    return 0;
}

static void *plain_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void plain_free(void *ctx, void *p, size_t size)
{
    (void)ctx, (void)size;
    free(p);
}

static int lay_out(struct xeno *x, const struct xeno_build *b,
                   struct xeno_plan *p)
{
    int rc = pv_layout(&p->l, &p->image.parms, p->ramdisk.size, b->pages,
                       PV_LAYOUT_RINGS);

    if (rc == -ENOSPC)
        return xeno_fail(x, ENOMEM, "%llu KiB of memory are too little: kernel "
                         "and ramdisk need %llu KiB",
                         (unsigned long long)b->pages * 4,
                         (unsigned long long)p->l.end_pfn * 4);
    if (rc)
        return xeno_fail(x, -rc, "kernel '%s': no room behind its address "
                         "%#llx", b->kernel,
                         (unsigned long long)p->image.parms.virt_base);
    p->p2m = malloc(b->pages * sizeof(*p->p2m));
    if (!p->p2m)
        return xeno_fail(x, ENOMEM, "out of memory");
    return 0;
}

int xeno_build_open(struct xeno *x, const struct xeno_build *b,
                    struct xeno_plan **plan)
{
    struct xeno_plan *p = calloc(1, sizeof(*p));
    int rc;

    if (!p)
        return xeno_fail(x, ENOMEM, "out of memory");
    p->env = (struct image_env){
        .mem = {.alloc = plain_alloc, .free = plain_free},
        .features_offered = OFFERED,
        .max_image = MAX_IMAGE,
    };
    rc = read_file(x, "kernel", b->kernel, &p->kernel);
    if (!rc && b->ramdisk)
        rc = read_file(x, "ramdisk", b->ramdisk, &p->ramdisk);
    if (!rc) {
        rc = image_open(&p->image, p->kernel.data, p->kernel.size, &p->env);
        if (rc)
            xeno_fail(x, -rc, "kernel '%s': %s", b->kernel,
                      p->image.error.text);
    }
    if (!rc)
        rc = lay_out(x, b, p);
    if (rc) {
        xeno_build_close(p);
        return rc;
    }
    *plan = p;
    return 0;
}

static void close_file(struct file *f)
{
    if (f->data)
        munmap((void *)(uintptr_t)f->data, f->size);
}

void xeno_build_close(struct xeno_plan *p)
{
    image_close(&p->image, &p->env);
    close_file(&p->kernel);
    close_file(&p->ramdisk);
    free(p->p2m);
    free(p);
}

/* ---- fill ---- */

static uint64_t *page_at(const struct xeno_plan *p, uint64_t pfn)
{
    const struct range *r = p->range;

    while (pfn - r->pfn >= r->count)
        r++;
    return (uint64_t *)(p->mem + (r->at + pfn - r->pfn) * XENO_PAGE_SIZE);
}

static void *extra_page(const struct xeno_plan *p, unsigned extra)
{
    return p->mem + (p->nr_mapped - EXTRA + extra) * XENO_PAGE_SIZE;
}

/* The kernel's range comes first. */
static int sink_copy(void *ctx, uint64_t gpa, const void *src, uint64_t size)
{
    const struct xeno_plan *p = ctx;

    memcpy(p->mem + gpa, src, size);
    return 0;
}

static int sink_find_end(void *ctx, uint64_t gpa, const void *src,
                         uint64_t size)
{
    struct xeno_plan *p = ctx;
    uint64_t end = (gpa + size + XENO_PAGE_SIZE - 1) >> XENO_PAGE_SHIFT;

    (void)src;
    if (p->range[KERNEL].count < end)
        p->range[KERNEL].count = end;
    return 0;
}

/* Frames come zeroed. */
static int sink_zero(void *ctx, uint64_t gpa, uint64_t size)
{
    (void)ctx, (void)gpa, (void)size;
    return 0;
}

static void find_ranges(struct xeno_plan *p)
{
    const struct pv_layout *l = &p->l;
    struct image_sink sink = {.ctx = p, .copy = sink_find_end,
                              .zero = sink_zero};

    (void)image_copy(&p->image, &sink);
    p->range[RAMDISK] = (struct range){l->initrd_pfn, l->initrd_pages, 0};
    p->range[P2M] = (struct range){l->p2m_pfn, l->p2m_pages, 0};
    p->range[START_INFO] = (struct range){l->start_info_pfn, 1, 0};
    p->range[TABLES] = (struct range){l->pt_pfn, l->pt_pages, 0};
    p->range[P2M_TABLES] = (struct range){l->p2m_pt_pfn, l->p2m_pt_pages, 0};
    for (unsigned i = 0; i < RANGES; i++) {
        p->range[i].at = p->nr_mapped;
        p->nr_mapped += p->range[i].count;
    }
    p->nr_mapped += EXTRA;
}

/* All in one call. */
static int map_memory(struct xeno *x, uint32_t id, struct xeno_plan *p,
                      uint64_t shared_info, uint64_t grants)
{
    xen_pfn_t *list;
    size_t n = 0;

    find_ranges(p);
    list = malloc(p->nr_mapped * sizeof(*list));
    if (!list)
        return xeno_fail(x, ENOMEM, "out of memory");
    for (const struct range *r = p->range; r < p->range + RANGES; r++) {
        memcpy(list + n, p->p2m + r->pfn, r->count * sizeof(*list));
        n += r->count;
    }
    list[n + EXTRA_SHARED_INFO] = shared_info;
    list[n + EXTRA_GRANTS] = grants;
    p->mem = xeno_map(x, id, list, p->nr_mapped);
    free(list);
    return p->mem ? 0 : -EFAULT;
}

/* Tables in PFN order from one range; *next is the first that is free. */
static uint64_t *table_below(const struct xeno_plan *p, uint64_t *entry,
                             uint64_t *next)
{
    if (!*entry) {
        *entry = p->p2m[*next] << XENO_PAGE_SHIFT | PTE_FLAGS;
        return page_at(p, (*next)++);
    }
    /* The frames of a table pool are told apart by walking it. */
    for (uint64_t pfn = *next; pfn-- > 0;)
        if (p->p2m[pfn] == (*entry & PTE_ADDR) >> XENO_PAGE_SHIFT)
            return page_at(p, pfn);
    return NULL;
}

/*
 * Maps PFNs [pfn, pfn + count) at va. L1s are written in runs, so upper tables
 * are looked up once in 512 pages.
 */
static void map_range(const struct xeno_plan *p, uint64_t va, uint64_t pfn,
                      uint64_t count, uint64_t *next)
{
    const struct pv_layout *l = &p->l;
    uint64_t *l1 = NULL;

    for (uint64_t i = 0; i < count; i++, va += XENO_PAGE_SIZE) {
        uint64_t flags = PTE_FLAGS;

        if (!l1 || !(va >> 12 & 511)) {
            uint64_t *t = page_at(p, l->pt_pfn);
            for (int shift = 39; shift > 12; shift -= 9)
                t = table_below(p, &t[va >> shift & 511], next);
            l1 = t;
        }
        if (pfn + i - l->pt_pfn < l->pt_pages)
            flags &= ~PTE_RW;
        l1[va >> 12 & 511] = p->p2m[pfn + i] << XENO_PAGE_SHIFT | flags;
    }
}

static void make_tables(const struct xeno_plan *p)
{
    const struct pv_layout *l = &p->l;
    uint64_t next = l->pt_pfn + 1;

    map_range(p, l->virt_base, 0,
              (l->virt_end - l->virt_base) >> XENO_PAGE_SHIFT, &next);
    if (l->p2m_separate) {
        next = l->p2m_pt_pfn;
        map_range(p, l->p2m_virt, l->p2m_pfn, l->p2m_pages, &next);
    }
}

static void fill_start_info(struct xeno_plan *p, const struct xeno_build *b,
                            uint64_t shared_info)
{
    const struct pv_layout *l = &p->l;
    struct start_info *si = (struct start_info *)page_at(p, l->start_info_pfn);

    snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
    si->nr_pages = b->pages;
    si->shared_info = shared_info << XENO_PAGE_SHIFT;
    si->store_mfn = p->p2m[l->rings_pfn];
    si->store_evtchn = b->store_port;
    si->console.domU.mfn = p->p2m[l->rings_pfn + 1];
    si->console.domU.evtchn = b->console_port;
    si->pt_base = l->virt_base + l->pt_pfn * XENO_PAGE_SIZE;
    si->nr_pt_frames = l->pt_pages;
    si->mfn_list = l->p2m_virt;
    if (l->p2m_separate) {
        si->first_p2m_pfn = l->p2m_pfn;
        si->nr_p2m_frames = l->p2m_pages + l->p2m_pt_pages;
    }
    if (p->ramdisk.size) {
        si->mod_len = p->ramdisk.size;
        si->mod_start = l->initrd_mapped
                            ? l->virt_base + l->initrd_pfn * XENO_PAGE_SIZE
                            : l->initrd_pfn;
        si->flags |= l->initrd_mapped ? 0 : SIF_MOD_START_PFN;
    }
    snprintf((char *)si->cmd_line, sizeof(si->cmd_line), "%s", b->cmdline);
}

static void init_shared_info(struct shared_info *s)
{
    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        s->vcpu_info[i].evtchn_upcall_mask = 1;
}

static int fill(struct xeno *x, uint32_t id, struct xeno_plan *p,
                const struct xeno_build *b, uint64_t shared_info,
                uint64_t grants)
{
    const struct pv_layout *l = &p->l;
    struct image_sink sink = {.ctx = p, .copy = sink_copy, .zero = sink_zero};

    int rc = map_memory(x, id, p, shared_info, grants);

    if (rc)
        return rc;
    (void)image_copy(&p->image, &sink);
    if (p->ramdisk.size)
        memcpy(page_at(p, l->initrd_pfn), p->ramdisk.data, p->ramdisk.size);
    memcpy(page_at(p, l->p2m_pfn), p->p2m, b->pages * sizeof(*p->p2m));
    make_tables(p);
    fill_start_info(p, b, shared_info);
    init_shared_info(extra_page(p, EXTRA_SHARED_INFO));
    xeno_seed_grants(extra_page(p, EXTRA_GRANTS), b->console_mfn,
                     b->console_domid, b->store_mfn, b->store_domid);
    xeno_unmap(x, p->mem, p->nr_mapped);
    return 0;
}

/* ---- finish ---- */

static int start_vcpu(struct xeno *x, uint32_t id, const struct xeno_plan *p)
{
    const struct pv_layout *l = &p->l;
    uint64_t l4 = p->p2m[l->pt_pfn];
    vcpu_guest_context_t c;

    memset(&c, 0, sizeof(c));
    c.flags = VGCF_in_kernel | VGCF_online;
    c.user_regs.rip = p->image.parms.virt_entry;
    c.user_regs.rsp = l->virt_base + (l->stack_pfn + 1) * XENO_PAGE_SIZE;
    c.user_regs.rsi = l->virt_base + l->start_info_pfn * XENO_PAGE_SIZE;
    c.user_regs.rflags = X86_IF;
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = FLAT_KERNEL_SS;
    c.user_regs.ds = FLAT_KERNEL_DS;
    c.user_regs.es = FLAT_KERNEL_DS;
    c.user_regs.fs = FLAT_KERNEL_DS;
    c.user_regs.gs = FLAT_KERNEL_DS;
    c.kernel_ss = c.user_regs.ss;
    c.kernel_sp = c.user_regs.rsp;
    c.ctrlreg[3] = xen_pfn_to_cr3(l4);
    return xeno_vcpu_set_context(x, id, 0, &c);
}

static int finish(struct xeno *x, uint32_t id, const struct xeno_plan *p)
{
    const struct pv_layout *l = &p->l;
    int rc = 0;

    if (parms_have(&p->image.parms, XEN_ELFNOTE_HYPERCALL_PAGE)) {
        uint64_t gpa = p->image.parms.virt_hypercall - l->virt_base;
        rc = xeno_hypercall_page(x, id, p->p2m[gpa >> XENO_PAGE_SHIFT]);
    }
    if (!rc)
        rc = xeno_pin_l4(x, id, p->p2m[l->pt_pfn]);
    return rc ? rc : start_vcpu(x, id, p);
}

static int make_ports(struct xeno *x, uint32_t id, struct xeno_build *b)
{
    int rc = xeno_port_unbound(x, id, b->store_domid);

    if (rc < 0)
        return rc;
    b->store_port = (uint32_t)rc;
    rc = xeno_port_unbound(x, id, b->console_domid);
    if (rc < 0)
        return rc;
    b->console_port = (uint32_t)rc;
    return 0;
}

int xeno_build_run(struct xeno *x, uint32_t id, struct xeno_plan *p,
                   struct xeno_build *b)
{
    struct xeno_domain d;
    uint64_t grants = 0;
    int rc = xeno_domain_max_memory(x, id, b->max_pages * 4);

    if (!rc)
        rc = xeno_domain_info(x, id, &d);
    if (!rc)
        rc = xeno_populate(x, id, 0, b->pages, p->p2m);
    if (!rc)
        rc = make_ports(x, id, b);
    if (!rc)
        rc = xeno_grant_frame(x, id, &grants);
    if (rc)
        return rc;
    b->store_mfn = p->p2m[p->l.rings_pfn];
    b->console_mfn = p->p2m[p->l.rings_pfn + 1];
    rc = fill(x, id, p, b, d.shared_info_mfn, grants);
    return rc ? rc : finish(x, id, p);
}
