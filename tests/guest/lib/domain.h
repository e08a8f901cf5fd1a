/*
 * Second domains of a test kernel.
 *
 * A child is a copy of the test kernel itself at the same addresses, as it is
 * when it is built: data and all. It begins in a function of the test, on a
 * stack of its own, and has its own shared_info and start_info; alloc_page and
 * what needs the mfn list are not for it. What it does in its memory the
 * parent sees through child_map.
 */
#ifndef GUEST_DOMAIN_H
#define GUEST_DOMAIN_H

#include "guest.h"
#include <xen/domctl.h>
#include <xen/grant_table.h>
#include <xen/sysctl.h>

/* Fills in command, version and domain. 0 or -errno. */
long domctl(unsigned cmd, unsigned id, struct xen_domctl *op);
/* The same with nothing else in the structure. */
long domctl_plain(unsigned cmd, unsigned id);
long sysctl(unsigned cmd, struct xen_sysctl *op);
long gnttab_op(unsigned cmd, void *arg, unsigned count);
void yield(void);

/* The configuration that domain_new uses. */
struct xen_domctl_createdomain domain_config(unsigned vcpus);
/* A new domain with vCPUs and room for memory, without memory. Its id. */
unsigned domain_new(unsigned vcpus, unsigned pages);
struct xen_domctl_getdomaininfo domain_state(unsigned id);

#define CHILD_MAX_PAGES 512
struct child {
    unsigned id;
    unsigned first, pages;                /* PFNs that it has */
    unsigned long mfn[CHILD_MAX_PAGES];   /* of PFN first + i */
    unsigned long l4, shared_info;        /* MFNs */
    struct child_box *box;                /* of child_serve */
};
/* The steps in order; each leaves a domain that may be destroyed. */
void child_new(struct child *c);
void child_populate(struct child *c);
void child_tables(struct child *c);
void child_context(struct child *c, void (*fn)(void));
/* All of them, and off it goes. */
void child_start(struct child *c, void (*fn)(void));
/* child_start with child_serve. */
void child_start_server(struct child *c);
/* 0 or -errno. Does not wait until its memory is back. */
long child_destroy(struct child *c);

/*
 * A child that runs child_serve makes the hypercalls that it is told to. data,
 * if not NULL, is copied to the child before and back afterwards; the argument
 * CHILD_DATA stands for its address there.
 */
#define CHILD_DATA_SIZE 1024
#define CHILD_DATA (-1UL)
void child_serve(void);
/* That address, for pointers within the data. */
unsigned long child_data(void);
/* Has it come back from the call that was begun? */
bool child_is_done(const struct child *c);
long child_call(struct child *c, unsigned nr, unsigned long a1,
                unsigned long a2, unsigned long a3, unsigned long a4,
                void *data, size_t size);
/* The same in two halves. */
void child_begin(struct child *c, unsigned nr, unsigned long a1,
                 unsigned long a2, unsigned long a3, unsigned long a4,
                 const void *data, size_t size);
long child_end(struct child *c, void *data, size_t size);

/*
 * The child's own copy of an object, at a free page of ours; undone with
 * child_unmap.
 */
void *child_map(const struct child *c, const volatile void *object);
unsigned long child_mfn(const struct child *c, const volatile void *object);
void child_unmap(const void *window);
/* One frame of another domain (or of DOMID_IO ...) at a page. 0 or -errno. */
long foreign_map(void *page, unsigned domid, unsigned long mfn, uint64_t flags);
/* A free page's own frame is back at its place. */
void foreign_unmap(void *page);

uint64_t free_pages(void);
/* The same when no domain is left but ours and all are wholly gone. */
uint64_t settled_pages(void);
/* Waits up to some seconds: a domain's end takes a moment. */
bool free_pages_become(uint64_t want);
bool wait_for(volatile unsigned *word, unsigned value);

#endif
