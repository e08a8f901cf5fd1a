/*
 * Pages that come and go: what this domain has of the memory it began with.
 * Errors are negative XEN_E... numbers.
 */
#ifndef BALLOON_H
#define BALLOON_H

#include <mini-os.h>

/*
 * The next three under machine_lock.
 *
 * Gives pages to the hypervisor or takes them back until the domain has so
 * many; never more than it began with. Waits for nothing. 0: it has; else it
 * has not come so far, for want of free pages or by refusal.
 */
int balloon_set(u64 pages);
/* What the domain has; 0 on the bare machine. */
u64 balloon_pages(void);
/* How many pages balloon_set had too few to give away. */
u64 balloon_lacks(void);

/*
 * Lets go of a page's frame, in return for one that somebody will give later:
 * the page's address is of no use until then. 0, or an error: it keeps it.
 */
int page_let_go(void *page);
/* The page shows that frame, or (0) a new one of the hypervisor's. */
int page_take(void *page, u64 frame);

#endif
