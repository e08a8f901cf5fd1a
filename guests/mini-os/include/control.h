/* The toolstack's orders through xenstore, and the balloon. */
#ifndef CONTROL_H
#define CONTROL_H

#include <mini-os.h>

/*
 * Starts the thread that obeys control/shutdown (poweroff, halt, reboot; a
 * suspend is declined) and memory/target. Nothing happens where there is no
 * xenstore.
 */
void control_start(void);

/*
 * Gives pages to the hypervisor or takes them back until the domain has so
 * many; never more than it began with. Waits for nothing. 0: it has; else it
 * has not come so far, for want of free pages or by refusal.
 * Under balloon_lock.
 */
extern struct mutex balloon_lock;
int balloon_set(u64 pages);
/* What the domain has, and how many pages balloon_set lacked to give away. */
u64 balloon_pages(void);
u64 balloon_lacks(void);

#endif
