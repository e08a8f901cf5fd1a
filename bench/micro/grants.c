/* Grants of our own frames to ourselves: mapped, unmapped, copied. */
#include "micro.h"
#include <xen/grant_table.h>

#define REF 32
static grant_entry_v1_t *grants;
static grant_handle_t handle;
static unsigned long local_mfn;

static long grant_op(unsigned cmd, void *arg)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, 1);
}

static bool setup_grants(void)
{
    xen_pfn_t frame = 0;
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 1};

    if (grants)
        return true;
    set_xen_guest_handle(s.frame_list, &frame);
    if (grant_op(GNTTABOP_setup_table, &s) || s.status)
        return false;
    window_entry(0);
    if (update_va(WINDOW + 256 * PAGE_SIZE, PTE(frame, DATA), UVMF_INVLPG))
        return false;
    grants = (grant_entry_v1_t *)(WINDOW + 256 * PAGE_SIZE);
    grants[REF].domid = (domid_t)0;
    grants[REF].frame = (uint32_t)spare_mfn(3);
    grants[REF].flags = GTF_permit_access;
    local_mfn = spare_mfn(4);
    return true;
}

#define AT (WINDOW + 257 * PAGE_SIZE)

static long map(void)
{
    struct gnttab_map_grant_ref m = {
        .host_addr = AT, .flags = GNTMAP_host_map, .ref = REF, .dom = 0};
    long ret = grant_op(GNTTABOP_map_grant_ref, &m);

    handle = m.handle;
    return ret ? ret : m.status;
}

static long unmap(void)
{
    struct gnttab_unmap_grant_ref u = {.host_addr = AT, .handle = handle};
    long ret = grant_op(GNTTABOP_unmap_grant_ref, &u);

    return ret ? ret : u.status;
}

static void map_now(void)
{
    map();
}

static void unmap_now(void)
{
    unmap();
}

/* From a granted frame to one of our own. */
static long copy(uint16_t bytes)
{
    struct gnttab_copy c = {
        .source = {.u.ref = REF, .domid = 0},
        .dest = {.u.gmfn = local_mfn, .domid = DOMID_SELF},
        .len = bytes,
        .flags = GNTCOPY_source_gref,
    };
    long ret = grant_op(GNTTABOP_copy, &c);

    return ret ? ret : c.status;
}

static long copy_64(void)
{
    return copy(64);
}

static long copy_1500(void)
{
    return copy(1500);
}

static long copy_4096(void)
{
    return copy(4096);
}

const struct bench grant_benches[] = {
    {.name = "grant_map",
     .op = map,
     .setup = setup_grants,
     .post = unmap_now},
    {.name = "grant_unmap",
     .op = unmap,
     .setup = setup_grants,
     .pre = map_now},
    {.name = "grant_copy_64", .op = copy_64, .setup = setup_grants},
    {.name = "grant_copy_1500", .op = copy_1500, .setup = setup_grants},
    {.name = "grant_copy_4096", .op = copy_4096, .setup = setup_grants},
    {.name = NULL},
};
