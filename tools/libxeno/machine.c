/* The machine and its hypervisor. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/version.h>

/* xen_version with an argument in the arena. */
static int version(struct xeno *x, unsigned cmd, void *arg)
{
    return xencall2(x->call, __HYPERVISOR_xen_version, cmd, (uintptr_t)arg);
}

/* A text of the hypervisor of up to `size` bytes. */
static void version_text(struct xeno *x, unsigned cmd, char *text, size_t room,
                         size_t size)
{
    char *buf;

    arena_start(x);
    buf = arena_alloc(x, size + 1);
    if (version(x, cmd, buf) < 0)
        buf[0] = '\0';
    snprintf(text, room, "%s", buf);
}

static void compile_info(struct xeno *x, struct xeno_machine *m)
{
    struct xen_compile_info *ci;

    arena_start(x);
    ci = arena_alloc(x, sizeof(*ci));
    (void)version(x, XENVER_compile_info, ci);
    snprintf(m->compiler, sizeof(m->compiler), "%.*s",
             (int)sizeof(ci->compiler), ci->compiler);
    snprintf(m->compile_by, sizeof(m->compile_by), "%.*s",
             (int)sizeof(ci->compile_by), ci->compile_by);
    snprintf(m->compile_domain, sizeof(m->compile_domain), "%.*s",
             (int)sizeof(ci->compile_domain), ci->compile_domain);
    snprintf(m->compile_date, sizeof(m->compile_date), "%.*s",
             (int)sizeof(ci->compile_date), ci->compile_date);
}

static void version_info(struct xeno *x, struct xeno_machine *m)
{
    struct xen_platform_parameters *pp;
    int v = version(x, XENVER_version, NULL);

    m->version_major = (unsigned)v >> 16;
    m->version_minor = (unsigned)v & 0xffff;
    version_text(x, XENVER_extraversion, m->version_extra,
                 sizeof(m->version_extra), sizeof(xen_extraversion_t));
    version_text(x, XENVER_capabilities, m->capabilities,
                 sizeof(m->capabilities), sizeof(xen_capabilities_info_t));
    version_text(x, XENVER_changeset, m->changeset, sizeof(m->changeset),
                 sizeof(xen_changeset_info_t));
    version_text(x, XENVER_commandline, m->command_line,
                 sizeof(m->command_line), sizeof(xen_commandline_t));
    compile_info(x, m);
    arena_start(x);
    pp = arena_alloc(x, sizeof(*pp));
    (void)version(x, XENVER_platform_parameters, pp);
    m->virt_start = pp->virt_start;
}

/* ns, of all CPUs together. */
static uint64_t idle_time(struct xeno *x)
{
    const uint32_t room = 256;
    struct xen_sysctl *op = sysctl_start(x, XEN_SYSCTL_getcpuinfo);
    xen_sysctl_cpuinfo_t *info = arena_alloc(x, room * sizeof(*info));
    uint64_t sum = 0;

    op->u.getcpuinfo.max_cpus = room;
    set_xen_guest_handle(op->u.getcpuinfo.info, info);
    if (sysctl_run(x, op))
        return 0;
    for (uint32_t i = 0; i < op->u.getcpuinfo.nr_cpus; i++)
        sum += info[i].idletime;
    return sum;
}

int xeno_machine_info(struct xeno *x, struct xeno_machine *m)
{
    struct xeno_sched_info own;
    struct xen_sysctl *op = sysctl_start(x, XEN_SYSCTL_physinfo);
    const struct xen_sysctl_physinfo *p = &op->u.physinfo;
    int rc = sysctl_run(x, op);

    if (rc)
        return xeno_fail(x, -rc, "cannot ask the hypervisor about the machine: "
                         "%s", strerror(-rc));
    memset(m, 0, sizeof(*m));
    m->nr_cpus = p->nr_cpus;
    m->nr_nodes = p->nr_nodes;
    m->cores_per_socket = p->cores_per_socket;
    m->threads_per_core = p->threads_per_core;
    m->cpu_khz = p->cpu_khz;
    m->total_pages = p->total_pages;
    m->free_pages = p->free_pages;
    m->scrub_pages = p->scrub_pages;
    m->outstanding_pages = p->outstanding_pages;
    memcpy(m->hw_cap, p->hw_cap, sizeof(m->hw_cap));
    op = sysctl_start(x, XEN_SYSCTL_sched_id);
    if (!sysctl_run(x, op))
        m->scheduler = op->u.sched_id.sched_id;
    m->idle_ns = idle_time(x);
    if (!xeno_sched_info(x, &own))
        memcpy(m->own_scheduler, own.opt_name, sizeof(own.opt_name));
    version_info(x, m);
    return 0;
}

int xeno_machine_keys(struct xeno *x, const char *keys)
{
    struct xen_sysctl *op = sysctl_start(x, XEN_SYSCTL_debug_keys);
    size_t n = strlen(keys);
    char *buf;
    int rc;

    if (n > 4096)
        return xeno_fail(x, E2BIG, "too many keys");
    buf = arena_alloc(x, n);
    memcpy(buf, keys, n);
    set_xen_guest_handle(op->u.debug_keys.keys, buf);
    op->u.debug_keys.nr_keys = (uint32_t)n;
    rc = sysctl_run(x, op);
    if (rc)
        return xeno_fail(x, -rc, "cannot press '%s': %s", keys, strerror(-rc));
    return 0;
}

/* One call; *index goes on. The number of bytes, or -errno. */
static int log_part(struct xeno *x, bool clear, uint32_t *index, char *to,
                    uint32_t room)
{
    struct xen_sysctl *op = sysctl_start(x, XEN_SYSCTL_readconsole);
    struct xen_sysctl_readconsole *u = &op->u.readconsole;
    char *buf = arena_alloc(x, room);
    int rc;

    set_xen_guest_handle(u->buffer, buf);
    u->count = room;
    u->clear = clear;
    u->incremental = *index != 0;
    u->index = *index;
    rc = sysctl_run(x, op);
    if (rc)
        return rc;
    memcpy(to, buf, u->count);
    *index = u->index;
    return (int)u->count;
}

int xeno_machine_log(struct xeno *x, bool clear, char **text)
{
    const uint32_t part = 4096;
    size_t used = 0;
    uint32_t index = 0;
    char *buf = NULL;
    int n;

    do {
        char *more = realloc(buf, used + part + 1);
        if (!more) {
            free(buf);
            return xeno_fail(x, ENOMEM, "out of memory");
        }
        buf = more;
        n = log_part(x, clear, &index, buf + used, part);
        if (n < 0) {
            free(buf);
            return xeno_fail(x, -n, "cannot read the hypervisor's log: %s",
                             strerror(-n));
        }
        used += (size_t)n;
    } while (n);
    buf[used] = '\0';
    *text = buf;
    return 0;
}
