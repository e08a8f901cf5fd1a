/*
 * libxeno: control of a Xeno (or Xen) machine from domain 0.
 *
 * One handle, one small file a topic. Everything goes through the stable
 * libraries (xencall, xenforeignmemory) and xenstored's socket, so programs
 * built with it run on both hypervisors; the control interface is that of the
 * public headers domctl.h and sysctl.h.
 *
 * Functions return 0 (or what is said) on success and -errno on failure; the
 * text for the user is then in xeno_error(). A handle is for one thread.
 */
#ifndef XENO_H
#define XENO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xeno/sched.h>

struct xeno;

#define XENO_PAGE_SHIFT 12
#define XENO_PAGE_SIZE 4096ul

/* ---- handle.c ---- */

/* NULL, with errno: no hypervisor, or not domain 0. */
struct xeno *xeno_open(void);
void xeno_close(struct xeno *x);
/* What the last function that failed has to say; one line, no newline. */
const char *xeno_error(const struct xeno *x);
/* Sets that text and returns -code. */
int xeno_fail(struct xeno *x, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- domain.c ---- */

/* How a domain is, in the letters of a listing. */
struct xeno_domain {
    uint32_t id;
    bool running, blocked, paused, shutdown, dying;
    unsigned shutdown_reason; /* SHUTDOWN_*, if shutdown */
    uint64_t pages, max_pages;
    uint64_t cpu_ns; /* used by all vCPUs */
    uint64_t shared_info_mfn;
    unsigned online_vcpus, max_vcpu_id;
    uint8_t uuid[16];
    unsigned cpupool;
};

/*
 * What createdomain needs; see the public header for the limits. The vCPUs are
 * made too.
 */
struct xeno_create {
    uint32_t id; /* in: 0 = choose one; out: the domain's */
    uint8_t uuid[16];
    unsigned max_vcpus;
    unsigned max_event_ports; /* 0: the default, 1023 */
    unsigned max_grant_frames, max_maptrack_frames;
};

int xeno_domain_create(struct xeno *x, struct xeno_create *c);
/* Repeats the call until the hypervisor has taken everything back. */
int xeno_domain_destroy(struct xeno *x, uint32_t id);
int xeno_domain_pause(struct xeno *x, uint32_t id);
int xeno_domain_unpause(struct xeno *x, uint32_t id);
int xeno_domain_resume(struct xeno *x, uint32_t id);
int xeno_domain_max_memory(struct xeno *x, uint32_t id, uint64_t kib);
/* -ESRCH: there is no domain of that id. */
int xeno_domain_info(struct xeno *x, uint32_t id, struct xeno_domain *d);
/*
 * All domains with id >= first, in rising order, up to max of them. The
 * number, or -errno.
 */
int xeno_domain_list(struct xeno *x, uint32_t first, struct xeno_domain *d,
                     unsigned max);
/* All of them, in memory that the caller frees. The number, or -errno. */
int xeno_domain_list_all(struct xeno *x, struct xeno_domain **list);
/* trigger: XEN_DOMCTL_SENDTRIGGER_* of domctl.h. */
int xeno_domain_trigger(struct xeno *x, uint32_t id, unsigned trigger,
                        unsigned vcpu);

/* ---- vcpu.c ---- */

struct xeno_vcpu {
    bool online, blocked, running;
    uint64_t cpu_ns;
    unsigned cpu; /* where it runs or ran last */
};

/* A set of CPUs; bit n = CPU n. */
struct xeno_cpus {
    uint64_t bits[4];
};

int xeno_vcpu_info(struct xeno *x, uint32_t id, unsigned vcpu,
                   struct xeno_vcpu *info);
/* Either pointer may be NULL. */
int xeno_vcpu_affinity(struct xeno *x, uint32_t id, unsigned vcpu,
                       struct xeno_cpus *hard, struct xeno_cpus *soft);
int xeno_vcpu_set_affinity(struct xeno *x, uint32_t id, unsigned vcpu,
                           const struct xeno_cpus *hard,
                           const struct xeno_cpus *soft);
int xeno_vcpu_set_context(struct xeno *x, uint32_t id, unsigned vcpu,
                          const struct vcpu_guest_context *context);

int xeno_vcpu_context(struct xeno *x, uint32_t id, unsigned vcpu,
                      struct vcpu_guest_context *context);

/* ---- memory.c ---- */

/*
 * Gives the domain frames for PFNs [pfn, pfn + count) in blocks as large as
 * they come, at most 2 MiB; p2m[0..count) receives their MFNs.
 */
int xeno_populate(struct xeno *x, uint32_t id, uint64_t pfn, uint64_t count,
                  xen_pfn_t *p2m);
/* Maps frames of the domain, read and write; NULL with xeno_error() set. */
void *xeno_map(struct xeno *x, uint32_t id, const xen_pfn_t *mfns,
               size_t count);
void xeno_unmap(struct xeno *x, void *addr, size_t count);
/* The first frame of the domain's grant table. */
int xeno_grant_frame(struct xeno *x, uint32_t id, uint64_t *mfn);
/*
 * Fills the two grants that the ABI reserves for whoever serves the console
 * and xenstore (GNTTAB_RESERVED_* of grant_table.h) into that frame, mapped.
 */
void xeno_seed_grants(void *table, uint64_t console_mfn, uint32_t console_domid,
                      uint64_t store_mfn, uint32_t store_domid);
int xeno_pin_l4(struct xeno *x, uint32_t id, uint64_t mfn);
/* Has the hypervisor fill a frame of the domain with hypercall stubs. */
int xeno_hypercall_page(struct xeno *x, uint32_t id, uint64_t mfn);
/* A port of the domain that `remote` may bind to: its number, or -errno. */
int xeno_port_unbound(struct xeno *x, uint32_t id, uint32_t remote);

/* ---- machine.c ---- */

struct xeno_machine {
    unsigned nr_cpus, nr_nodes, cores_per_socket, threads_per_core;
    unsigned cpu_khz;
    uint64_t total_pages, free_pages, scrub_pages, outstanding_pages;
    unsigned version_major, version_minor;
    char version_extra[16];
    char capabilities[1024];
    char changeset[64];
    char command_line[1024];
    char compiler[64], compile_by[16], compile_domain[32], compile_date[32];
    uint32_t scheduler; /* XEN_SCHEDULER_* */
    char own_scheduler[16]; /* Xeno's: its name there; else empty */
    uint64_t virt_start;
    uint64_t idle_ns;   /* that CPUs were idle so far, all together */
    uint32_t hw_cap[8];
};

int xeno_machine_info(struct xeno *x, struct xeno_machine *m);

/* ---- trace.c ---- */

struct xeno_trace_record; /* <xeno/xeno.h> */
/* Xeno only; one trace at a time. `records` a CPU: a power of two, <= 65536. */
int xeno_trace_start(struct xeno *x, uint32_t events, uint32_t records);
int xeno_trace_stop(struct xeno *x);
/* The next ones of a CPU, valid until the next call; n = 0: none now. */
int xeno_trace_read(struct xeno *x, unsigned cpu,
                    const struct xeno_trace_record **records, unsigned *n,
                    unsigned *lost);

/* ---- clock.c ---- */

struct xeno_clock {
    /* How much faster than measured at boot, in parts of 10^9: for good, and
     * for slew_ns more. At most 10 % together. */
    int64_t rate, slew;
    uint64_t slew_ns;     /* up to a day */
    uint64_t system_time; /* ns since boot; get and set give it */
    uint64_t wall_clock;  /* ns since 1970 at that moment */
};

/* Xeno only. */
int xeno_clock_get(struct xeno *x, struct xeno_clock *c);
/* Takes the first three and gives all. */
int xeno_clock_set(struct xeno *x, struct xeno_clock *c);
/* It was that wall clock (ns since 1970) at that system time. */
int xeno_clock_set_wall(struct xeno *x, uint64_t wall, uint64_t system_time);
/* Presses debug keys. */
int xeno_machine_keys(struct xeno *x, const char *keys);
/*
 * The hypervisor's log, NUL-terminated, in memory that the caller frees; clear
 * forgets it.
 */
int xeno_machine_log(struct xeno *x, bool clear, char **text);

/* ---- sched.c ---- */

/* -EINVAL, -ENOSYS: another hypervisor. */
int xeno_sched_info(struct xeno *x, struct xeno_sched_info *info);
/*
 * Parameters of a domain, or of the machine, in the order in which info tells
 * them. A set is taken as a whole or not at all; -ENOSPC: a domain wants more
 * of a CPU than is left (the text has the numbers).
 */
#define XENO_SCHED_MACHINE (~0u)
int xeno_sched_get(struct xeno *x, uint32_t id, struct xeno_sched_values *v);
int xeno_sched_set(struct xeno *x, uint32_t id,
                   const struct xeno_sched_values *values);

/* ---- uuid.c ---- */

/* xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, and back: false for anything else. */
void xeno_uuid_text(const uint8_t uuid[16], char text[37]);
bool xeno_uuid_parse(const char *s, uint8_t uuid[16]);

/* ---- wire.c ---- */

/* data: NUL-terminated behind its n bytes, freed by the caller; or NULL, and
 * error is an errno value. */
struct xeno_answer {
    char *data;
    size_t n;
    int error;
};

/*
 * Adds a request to xenstore to those that xeno_store_run will send: its type
 * (XS_* of xs_wire.h), path and what follows behind the path's NUL. With an
 * answer, which must stay until then, failure is the caller's to see.
 */
void xeno_store_ask(struct xeno *x, unsigned type, const char *path,
                    const void *body, size_t n, struct xeno_answer *answer);
/*
 * Sends them and waits for all answers: 0, or the first failure among those
 * that have no answer to tell it in. A later request is not held up by it.
 */
int xeno_store_run(struct xeno *x);
/*
 * A connection of its own that becomes readable when the path or what is below
 * changes, and once at the start; what is read there has no use, but an end of
 * file says that xenstored is gone. The descriptor, or -errno.
 */
int xeno_store_watch(struct xeno *x, const char *path);

/* ---- store.c ---- */

/* The node's value in memory that the caller frees, or NULL. */
char *xeno_read(struct xeno *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * The names of the nodes below, each with a NUL behind it, *n bytes in all;
 * freed by the caller. NULL: no such node, or more than 4 KiB of names.
 */
char *xeno_children(struct xeno *x, size_t *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The name of a domain, in memory that the caller frees, or NULL. */
char *xeno_domain_name(struct xeno *x, uint32_t id);
/*
 * A domain by name, id or UUID: 0 and *id, or -ESRCH with a text that names
 * what was looked for.
 */
int xeno_domain_find(struct xeno *x, const char *what, uint32_t *id);
/* The domain of that name, or -ESRCH without a text. */
int xeno_domain_named(struct xeno *x, const char *name, uint32_t *id);
/*
 * The index of names, which makes looking for one cost the same with one guest
 * and with a hundred. Changes are collected for xeno_store_run.
 */
void xeno_index_add(struct xeno *x, uint32_t id, const char *name);
void xeno_index_remove(struct xeno *x, uint32_t id);

/* ---- core.c ---- */

/*
 * Writes a domain's registers and memory to a file that is made for that. On
 * failure there is none.
 */
int xeno_core_dump(struct xeno *x, uint32_t id, const char *path);

/* ---- build.c ---- */

/*
 * A PV guest's memory, from a kernel file to a vCPU that is ready to go.
 *
 * kernel, ramdisk  paths; ramdisk may be NULL
 * cmdline          "" or the kernel's
 * pages            what it starts with; max_pages >= pages
 * console_domid,   who serves console and xenstore (0)
 * store_domid
 *
 * out: the rest.
 */
struct xeno_build {
    const char *kernel, *ramdisk, *cmdline;
    uint64_t pages, max_pages;
    unsigned vcpus;
    uint32_t console_domid, store_domid;

    uint64_t console_mfn, store_mfn;
    uint32_t console_port, store_port;
};

/*
 * The two halves, so that a kernel that cannot be loaded is found before
 * anything exists. open gives a plan that close frees.
 */
struct xeno_plan;
int xeno_build_open(struct xeno *x, const struct xeno_build *b,
                    struct xeno_plan **plan);
int xeno_build_run(struct xeno *x, uint32_t id, struct xeno_plan *plan,
                   struct xeno_build *b);
void xeno_build_close(struct xeno_plan *plan);

#endif
