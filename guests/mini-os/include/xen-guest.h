/*
 * What the drivers need of Xen: hypercalls, events, grants. Nothing of it
 * works where xen_start_info() is null, on the bare machine; what can say so
 * answers -XEN_ENODEV there. Errors are negative XEN_E... numbers.
 */
#ifndef XEN_GUEST_H
#define XEN_GUEST_H

#include <mini-os.h>
#include <stdint.h>
#include <xen/xen.h>

#define XEN_ERRNO(name, value) XEN_##name = value,
enum xen_errno {
#include <xen/errno.h>
    XEN_ERRNO_END
};

long hypercall(unsigned nr, u64 a1, u64 a2, u64 a3, u64 a4);
/* Null on the bare machine. */
const struct start_info *xen_start_info(void);
/* Shows a machine frame, writable, in the place of a page. 0 or -errno. */
int map_in_place(const void *page, u64 mfn);

/* The machine frame of a page of this kernel's. */
u64 page_mfn(const void *page);
/* One operation on this domain itself; arg1 is its address or its frame. */
long mmuext(unsigned cmd, u64 arg1, const u64 *cpus);
/* Operations of xen_ops: xen_cpus.c and xen_user.c. */
unsigned xen_cpu_count(void);
int xen_start_cpu(unsigned cpu, u64 rsp);
int xen_show_user(const struct user_tables *t);
void xen_hide_user(const struct user_tables *t);
/*
 * The suspension itself, by processor 0 with interrupts on, while nobody
 * deals with back ends, xenstore or machine frames. 1: we go on in the same
 * domain; 0: in another, which has none of our event channels; or -errno.
 */
int xen_suspend(void);
/* At the tick of another processor, which waits there until that is over. */
void xen_park(void);

/* ---- event channels (events.c) ---- */

/* Called with interrupts off. */
typedef void (*event_handler)(unsigned port, void *arg);
/*
 * A new port that domain remote may bind to; one bound to a port of domain
 * remote; and one that the builder has made. DOMID_SELF is this domain.
 * Each gives the port, or -errno; the last gives it only if it is below 256,
 * as all here must be.
 */
int event_alloc(unsigned remote, event_handler fn, void *arg);
int event_connect(unsigned remote, unsigned port, event_handler fn, void *arg);
int event_attach(unsigned port, event_handler fn, void *arg);
void event_unmask(unsigned port);
/* 0 or -errno. */
int event_send(unsigned port);
void event_close(unsigned port);
/* From the interrupt: calls the port's handler, if it has one. */
void event_arrived(unsigned port);
/* How many have arrived with a handler. */
u64 event_count(void);
/* There are no ports any more: we were resumed elsewhere. */
void event_forget_all(void);

/* ---- grant tables (gnttab.c) ---- */

/*
 * A reference by which domain remote may map or copy the page, or (transfer)
 * give a frame of its own in the page's place, which has none; or -errno. A
 * page that is granted must not be freed before gnttab_end has given 0.
 */
int gnttab_grant(unsigned remote, const void *page, int readonly);
int gnttab_grant_transfer(unsigned remote, const void *page);
/* 0: nobody can use it any more; -XEN_EBUSY: it is mapped, and stays. */
int gnttab_end(int ref);
/* The frame that was given, or 0: none was, and none will be. */
u64 gnttab_end_transfer(int ref);
/* How many references are free. */
unsigned gnttab_free(void);
/*
 * The table, whose frames are the hypervisor's, goes out of sight and comes
 * back. Elsewhere nothing is granted any more: front ends begin anew, and a
 * reference that a back end would not let go of stays out of use.
 */
void gnttab_suspend(void);
void gnttab_resume(void);
/*
 * Shows what a reference of domain remote stands for in the place of page,
 * until gnttab_unmap brings the page's own frame back. The handle or -errno.
 */
long gnttab_map(unsigned remote, int ref, void *page, int readonly);
int gnttab_unmap(long handle, void *page);
/*
 * Gives the frame mfn away to domain remote, which has granted its transfer;
 * nothing may map it. 0 or -errno; it is gone in either case.
 */
int gnttab_give(unsigned remote, int ref, u64 mfn);

#endif
