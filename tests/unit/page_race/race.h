/* Shared by the race tests and their stubs. */
#ifndef RACE_H
#define RACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/x86/map.h"
#include "lib/errno.h"
#include "mm/page_type.h"

#define FRAMES 4
#define CPUS   4 /* one thread each */

struct domain {
    uint16_t id;
};
extern struct domain A;
extern unsigned last_puts; /* frame_last_put, atomic */

void race_setup(void);
/* CPU c has used a writable translation of frame m and keeps it. */
void tlb_cache(unsigned c, mfn_t m);
/* CPUs that hold a writable translation of m. */
cpumask_t tlb_holders(mfn_t m);

#endif
