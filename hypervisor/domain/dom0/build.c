/*
 * Domain 0, from the boot modules to its first instruction.
 *
 *   open      unpack the kernel, read its notes
 *   plan      sizes, layout (layout.c)
 *   fill      frames for the part with contents; kernel, initrd copied;
 *             modules and unpacked kernel go back to the heap
 *   populate  the rest of its memory, P2M and M2P
 *   tables    page tables, start_info, vCPUs
 *
 * The memory is not cleared: nobody but the boot loader has used it.
 */
#include "domain/dom0/dom0.h"

#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "arch/x86/map.h"
#include "arch/x86/regs.h"
#include "domain/loader/layout.h"
#include "domain/dom0/options.h"
#include "domain/dom0/tables.h"
#include "core/hypercall.h"
#include "domain/loader/image.h"
#include "domain/loader/libc_shim.h"
#include "domain/version.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/alloc.h"
#include "mm/page_type.h"
#include <xen/arch-x86/xen-x86_64.h>
#include <xen/elfnote.h>
#include <xen/features.h>

#define X86_IF 0x200UL
/* The largest kernel that makes sense, unpacked: no more is tried. */
#define MAX_IMAGE (512 * MiB)

/*
 * What a kernel may require although xen_version does not report it: tables
 * are written through emulation, and base pointers are 64 bits wide anyway.
 */
#define EMULATED_FEATURES                                                      \
    ((1u << XENFEAT_writable_page_tables) | (1u << XENFEAT_pae_pgdir_above_4gb))

struct build {
    struct domain *d;
    const struct boot_module *kernel, *initrd;
    struct loaded_image image;
    struct image_env env;
    struct pv_layout l;
    uint64_t *p2m; /* nr_pages entries; temporary */
    unsigned p2m_order;
};

static unsigned __init order_for(uint64_t bytes)
{
    unsigned order = 0;

    while ((PAGE_SIZE << order) < bytes)
        order++;
    return order;
}

static void *__init image_alloc(void *ctx, size_t size)
{
    unsigned order = order_for(size);

    (void)ctx;
    return order <= MAX_ORDER ? xenheap_alloc(order) : NULL;
}

static void __init image_free(void *ctx, void *p, size_t size)
{
    (void)ctx;
    xenheap_free(p, order_for(size));
}

static void __init image_warning(void *ctx, const char *line)
{
    (void)ctx;
    printk(XENLOG_WARNING "Domain 0 kernel: %s\n", line);
}

/* Modules are not RAM in use by anyone: reached through the window. */
static void *__init module_data(const struct boot_module *m)
{
    return (char *)map_frame(paddr_to_mfn(m->start)) + PAGE_OFFSET(m->start);
}

static void __init open_kernel(struct build *b)
{
    int rc;

    if (boot_info.nr_modules == 0)
        boot_fatal("no domain 0 kernel: the boot loader gave no module");
    b->kernel = &boot_info.module[0];
    if (boot_info.nr_modules > 1)
        b->initrd = &boot_info.module[1];
    b->env = (struct image_env){
        .mem = {.alloc = image_alloc, .free = image_free},
        .warn = image_warning,
        .features_offered = guest_features(true) | EMULATED_FEATURES,
        .control_domain = true,
        .max_image = min((uint64_t)MAX_IMAGE, heap_free_frames() << PAGE_SHIFT),
    };
    /* The decompressors were built with a stack protector: %fs:0x28. */
    wrmsr(MSR_FS_BASE, (uint64_t)libc_shim_tls);
    rc = image_open(&b->image, module_data(b->kernel), b->kernel->size,
                    &b->env);
    wrmsr(MSR_FS_BASE, 0);
    if (rc)
        boot_fatal("domain 0 kernel (module 0, %lu bytes): %s",
                   (unsigned long)b->kernel->size, b->image.error.text);
}

/* What will be free once modules and unpacked image are given back. */
static uint64_t __init available_frames(const struct build *b)
{
    uint64_t n = heap_free_frames();

    for (unsigned i = 0; i < min(boot_info.nr_modules, 2u); i++)
        n += boot_info.module[i].size >> PAGE_SHIFT;
    if (b->image.buffer)
        n += 1UL << order_for(b->image.buffer_size);
    return n;
}

static void __init plan(struct build *b)
{
    uint64_t available = available_frames(b);
    /* The temporary list of frames comes out of the same memory. */
    uint64_t list = 1UL << order_for(available * 8);
    uint64_t nr = dom0_nr_pages(available - min(list, available));
    uint64_t initrd = b->initrd ? b->initrd->size : 0;
    int rc = pv_layout(&b->l, &b->image.parms, initrd, nr, 0);

    if (rc == -ENOSPC)
        boot_fatal("domain 0 needs at least %lu MiB for kernel and initrd, "
                   "it would get %lu MiB",
                   (unsigned long)(b->l.end_pfn >> 8) + 1,
                   (unsigned long)(nr >> 8));
    if (rc && b->l.virt_end == b->l.virt_base)
        boot_fatal("domain 0 kernel: no room behind its address %#lx",
                   (unsigned long)b->image.parms.virt_kend);
    if (rc)
        boot_fatal("domain 0 kernel: no room for the P2M list at %#lx",
                   (unsigned long)b->image.parms.init_p2m);
    b->p2m_order = order_for(nr * 8);
    b->p2m = xenheap_alloc(b->p2m_order);
    if (!b->p2m)
        boot_fatal("no memory for domain 0's P2M list (%lu KiB)",
                   (unsigned long)(nr * 8 >> 10));
}

/* Gives PFNs [from, to) frames, in blocks as large as there are. */
static void __init populate(struct build *b, uint64_t from, uint64_t to)
{
    unsigned order = MAX_ORDER;

    while (from < to) {
        mfn_t m;

        while ((1UL << order) > to - from)
            order--;
        m = domheap_alloc(b->d, order, MEMF_NO_SCRUB);
        if (mfn_is_invalid(m)) {
            if (order-- == 0)
                boot_fatal("memory ran out with %lu of %lu MiB for domain 0",
                           (unsigned long)(from >> 8),
                           (unsigned long)(b->l.nr_pages >> 8));
            continue;
        }
        for (uint64_t i = 0; i < 1UL << order; i++, from++) {
            b->p2m[from] = m.m + i;
            m2p_set(mfn_add(m, i), from);
        }
    }
}

/* ---- bytes into domain 0's pseudo-physical memory ---- */

static int __init sink_copy(void *ctx, uint64_t gpa, const void *src,
                            uint64_t size)
{
    const struct build *b = ctx;
    const char *s = src;

    while (size) {
        uint64_t n = min(size, PAGE_SIZE - PAGE_OFFSET(gpa));
        char *p = map_frame(mfn(b->p2m[gpa >> PAGE_SHIFT]));
        memcpy(p + PAGE_OFFSET(gpa), s, n);
        unmap_frame(p);
        gpa += n;
        s += n;
        size -= n;
    }
    return 0;
}

static int __init sink_zero(void *ctx, uint64_t gpa, uint64_t size)
{
    const struct build *b = ctx;

    while (size) {
        uint64_t n = min(size, PAGE_SIZE - PAGE_OFFSET(gpa));
        char *p = map_frame(mfn(b->p2m[gpa >> PAGE_SHIFT]));
        memset(p + PAGE_OFFSET(gpa), 0, n);
        unmap_frame(p);
        gpa += n;
        size -= n;
    }
    return 0;
}

static void __init release_module(const struct boot_module *m)
{
    heap_add_range(ROUND_UP(m->start, PAGE_SIZE),
                   ROUND_DOWN(m->start + m->size, PAGE_SIZE));
}

static void __init fill(struct build *b)
{
    struct image_sink sink = {.ctx = b, .copy = sink_copy, .zero = sink_zero};
    uint64_t before;

    populate(b, 0, b->l.end_pfn);
    (void)image_copy(&b->image, &sink);
    before = heap_free_frames();
    image_close(&b->image, &b->env);
    if (b->initrd) {
        uint64_t gpa = b->l.initrd_pfn << PAGE_SHIFT;
        sink_copy(b, gpa, module_data(b->initrd), b->initrd->size);
        sink_zero(b, gpa + b->initrd->size,
                  ROUND_UP(b->initrd->size, PAGE_SIZE) - b->initrd->size);
        release_module(b->initrd);
    }
    release_module(b->kernel);
    printk(XENLOG_INFO "Freed %lu KiB of modules and unpacked kernel\n",
           (unsigned long)(heap_free_frames() - before) * 4);
    populate(b, b->l.end_pfn, b->l.nr_pages);
    sink_copy(b, b->l.p2m_pfn << PAGE_SHIFT, b->p2m, b->l.nr_pages * 8);
    if (parms_have(&b->image.parms, XEN_ELFNOTE_HYPERCALL_PAGE)) {
        /* The loader has checked that it lies within the image. */
        uint64_t gpa = b->image.parms.virt_hypercall - b->l.virt_base;
        hypercall_page_init(map_frame(mfn(b->p2m[gpa >> PAGE_SHIFT])));
    }
}

/* What the kernel may know of the VGA text screen. */
static void __init fill_console_info(struct dom0_vga_console_info *ci)
{
    if (!boot_info.have_vga_text)
        return;
    ci->video_type = XEN_VGATYPE_TEXT_MODE_3;
    ci->u.text_mode_3.font_height = 16;
    ci->u.text_mode_3.columns = boot_info.vga_cols;
    ci->u.text_mode_3.rows = boot_info.vga_rows;
}

static void __init fill_start_info(struct build *b)
{
    struct start_info *si = map_frame(mfn(b->p2m[b->l.start_info_pfn]));
    const struct pv_layout *l = &b->l;

    memset(si, 0, PAGE_SIZE);
    snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
    si->nr_pages = l->nr_pages;
    si->shared_info = mfn_to_paddr(virt_to_mfn(b->d->shared_info));
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    si->pt_base = l->virt_base + l->pt_pfn * PAGE_SIZE;
    si->nr_pt_frames = l->pt_pages;
    si->mfn_list = l->p2m_virt;
    if (l->p2m_separate) {
        si->first_p2m_pfn = l->p2m_pfn;
        si->nr_p2m_frames = l->p2m_pages + l->p2m_pt_pages;
    }
    if (b->initrd) {
        si->mod_len = b->initrd->size;
        si->mod_start = l->virt_base + l->initrd_pfn * PAGE_SIZE;
        if (!l->initrd_mapped) {
            si->mod_start = l->initrd_pfn;
            si->flags |= SIF_MOD_START_PFN;
        }
    }
    if (str_copy((char *)si->cmd_line, b->kernel->cmdline, MAX_GUEST_CMDLINE) >=
        MAX_GUEST_CMDLINE)
        printk(XENLOG_WARNING
               "Domain 0's command line is cut to %u characters\n",
               MAX_GUEST_CMDLINE - 1);
    si->console.dom0.info_off = sizeof(*si);
    si->console.dom0.info_size = sizeof(struct dom0_vga_console_info);
    fill_console_info((struct dom0_vga_console_info *)(si + 1));
    unmap_frame(si);
}

static void __init make_vcpus(struct build *b, unsigned n)
{
    struct vcpu *v;

    for (unsigned id = 0; id < n; id++)
        if (!vcpu_create(b->d, id, CPU_ANY))
            boot_fatal("no memory for vCPU %u of domain 0", id);

    v = b->d->vcpu[0];
    v->regs.rip = b->image.parms.virt_entry;
    v->regs.rsp = b->l.virt_base + (b->l.stack_pfn + 1) * PAGE_SIZE;
    v->regs.rsi = b->l.virt_base + b->l.start_info_pfn * PAGE_SIZE;
    v->regs.rflags = X86_IF;
    v->regs.cs = FLAT_KERNEL_CS;
    v->regs.ss = FLAT_KERNEL_SS;
    pv_sanitise_regs(&v->regs);
    v->pv.kernel_ss = FLAT_KERNEL_SS;
    v->pv.kernel_sp = v->regs.rsp;
}

static void __init describe(const struct build *b)
{
    const struct pv_layout *l = &b->l;
    const struct xen_image_parms *p = &b->image.parms;

    printk(XENLOG_INFO "Domain 0: %s %s, %lu MiB, %u vCPUs\n", p->guest_os,
           p->guest_version, (unsigned long)(l->nr_pages >> 8),
           b->d->max_vcpus);
    printk(XENLOG_INFO " kernel    %lx-%lx entry %lx\n",
           (unsigned long)p->virt_kstart, (unsigned long)p->virt_kend,
           (unsigned long)p->virt_entry);
    printk(XENLOG_INFO " initrd    PFN %lx, %lu KiB%s\n",
           (unsigned long)l->initrd_pfn, (unsigned long)l->initrd_pages * 4,
           l->initrd_mapped ? "" : " (not mapped)");
    printk(XENLOG_INFO " P2M list  PFN %lx at %lx\n",
           (unsigned long)l->p2m_pfn, (unsigned long)l->p2m_virt);
    printk(XENLOG_INFO " tables    PFN %lx, %lu; region ends at %lx\n",
           (unsigned long)l->pt_pfn, (unsigned long)l->pt_pages,
           (unsigned long)l->virt_end);
}

void __init dom0_build(void)
{
    static struct build b __initdata;
    const struct domain_config config = {
        .privileged = true,
        .max_vcpus = dom0_vcpus(),
        .max_port = UINT32_MAX,
        .grant_frames = -1,
        .grant_handles = -1,
    };

    open_kernel(&b);
    if (domain_create(&config, &b.d))
        boot_fatal("no memory for domain 0");
    dom0 = b.d;
    if (dom0_grant_hardware(b.d))
        boot_fatal("no memory for domain 0's permissions");
    plan(&b);
    b.d->max_pages = dom0_max_pages(b.l.nr_pages);
    fill(&b);
    fill_start_info(&b);
    dom0_make_tables(&b.l, b.p2m);
    make_vcpus(&b, config.max_vcpus);
    dom0_load_tables(b.d->vcpu[0], &b.l, b.p2m);
    xenheap_free(b.p2m, b.p2m_order);
    b.d->vcpu[0]->is_initialised = true;
    __atomic_fetch_and(&b.d->vcpu[0]->pause_flags, ~(1u << VPF_DOWN),
                       __ATOMIC_SEQ_CST);
    describe(&b);
}
