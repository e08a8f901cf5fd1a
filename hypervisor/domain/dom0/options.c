/* Boot options about domain 0. */
#include "domain/dom0/options.h"

#include "arch/x86/boot.h"
#include "arch/x86/irq.h"
#include "core/domain.h"
#include "lib/errno.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/alloc.h"

/* Bytes; 0 = not given. */
static uint64_t __initdata mem_exact, mem_min, mem_max;
static bool __initdata exact_is_negative; /* "all but that much" */
static unsigned __initdata max_vcpus;
PARAM_UINT("dom0_max_vcpus", max_vcpus);

/* What stays for the hypervisor and for other domains' start by default. */
#define DEFAULT_RESERVE_MAX (128 * MiB >> PAGE_SHIFT)
#define DEFAULT_RESERVE_SHIFT 4

static const char *__init parse_size(const char *s, uint64_t *out, bool *neg)
{
    const char *end;

    if (neg)
        *neg = *s == '-';
    if (*s == '-')
        s++;
    *out = str_to_size(s, &end);
    return end == s ? NULL : end;
}

/* dom0_mem=<size>[,min:<size>][,max:<size>], in any order; size may be -size. */
static int __init parse_dom0_mem(const char *s)
{
    while (s && *s) {
        if (!strncmp(s, "min:", 4))
            s = parse_size(s + 4, &mem_min, NULL);
        else if (!strncmp(s, "max:", 4))
            s = parse_size(s + 4, &mem_max, NULL);
        else
            s = parse_size(s, &mem_exact, &exact_is_negative);
        if (!s || (*s && *s != ','))
            return -EINVAL;
        if (*s == ',')
            s++;
    }
    return s ? 0 : -EINVAL;
}
PARAM_FN("dom0_mem", parse_dom0_mem);

uint64_t __init dom0_nr_pages(uint64_t available)
{
    uint64_t reserve = min(available >> DEFAULT_RESERVE_SHIFT,
                           (uint64_t)DEFAULT_RESERVE_MAX);
    uint64_t want = mem_exact >> PAGE_SHIFT;

    if (!mem_exact)
        want = available - reserve;
    else if (exact_is_negative)
        want = want < available ? available - want : 0;
    if (mem_min && want < mem_min >> PAGE_SHIFT)
        want = mem_min >> PAGE_SHIFT;
    if (mem_max && want > mem_max >> PAGE_SHIFT)
        want = mem_max >> PAGE_SHIFT;
    if (want > available)
        boot_fatal("dom0_mem: %lu MiB asked for, but only %lu MiB are free",
                   (unsigned long)(want >> 8),
                   (unsigned long)(available >> 8));
    return want;
}

uint64_t __init dom0_max_pages(uint64_t nr_pages)
{
    uint64_t max_pages = mem_max >> PAGE_SHIFT;

    if (!max_pages)
        return ~0UL >> 1; /* as far as memory goes */
    return max(max_pages, nr_pages);
}

unsigned __init dom0_vcpus(void)
{
    unsigned n = max_vcpus ? max_vcpus : nr_cpus_online();

    if (n > MAX_VCPUS) {
        printk(XENLOG_WARNING
               "WARNING: option dom0_max_vcpus=%u: %u is the limit\n",
               n, MAX_VCPUS);
        n = MAX_VCPUS;
    }
    return n;
}
