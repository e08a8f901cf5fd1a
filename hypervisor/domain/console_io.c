/*
 * console_io: the hypervisor's console, which is dom0's.
 *
 * Other domains have consoles of their own; with option guest_console (on in
 * debug builds) they may write here too, for bringing up guest kernels. Their
 * text goes through the guests' log level, a line at a time, with the domain's
 * name in front.
 */
#include "arch/x86/console.h"
#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/param.h"
#include "lib/printk.h"

#define CHUNK 128u

#ifdef DEBUG
static bool guest_console = true;
#else
static bool guest_console;
#endif
PARAM_BOOL("guest_console", guest_console);

/* What a domain other than dom0 has written of a line. */
struct console_line {
    unsigned n;
    char text[120];
};

static void flush_line(const struct domain *d, struct console_line *l)
{
    printk(XENLOG_G_INFO "(d%u) %.*s\n", d->domain_id, (int)l->n, l->text);
    l->n = 0;
}

/* Text, not screen control. Domain lock held. */
static void write_lines(struct domain *d, const char *s, unsigned n)
{
    struct console_line *l = d->console_line;

    for (unsigned i = 0; i < n; i++) {
        char c = s[i];

        if (c == '\r')
            continue;
        if (c == '\n' || l->n == sizeof(l->text))
            flush_line(d, l);
        if (c != '\n')
            l->text[l->n++] = (c < ' ' || c > '~') && c != '\t' ? '.' : c;
    }
}

static int guest_write(struct domain *d, const char *s, unsigned n)
{
    spin_lock(&d->lock);
    if (!d->console_line)
        d->console_line = xzalloc_type(struct console_line);
    if (d->console_line)
        write_lines(d, s, n);
    spin_unlock(&d->lock);
    return d->console_line ? 0 : -ENOMEM;
}

static void free_line(struct domain *d)
{
    xfree(d->console_line);
    d->console_line = NULL;
}

DOMAIN_HOOKS(console_hooks) = {
    .name = "console",
    .destroy = free_line,
};

static long console_write(uint64_t count, uint64_t buffer)
{
    struct domain *d = current->domain;
    char part[CHUNK];

    if (!d->is_hardware && !guest_console)
        return -EPERM;
    while (count) {
        unsigned n = (unsigned)min(count, (uint64_t)sizeof(part));

        if (copy_from_guest_va(part, buffer, n))
            return -EFAULT;
        if (d->is_hardware)
            console_write_guest(part, n);
        else if (guest_write(d, part, n))
            return -ENOMEM;
        count -= n;
        buffer += n;
        if (count && preempt_needed())
            return hypercall_continue(__HYPERVISOR_console_io, 3,
                                      (uint64_t)CONSOLEIO_write, count, buffer);
    }
    return 0;
}

/* The number of characters, at most `count`; 0 if nobody typed. */
static long console_read(uint64_t count, uint64_t buffer)
{
    char part[CHUNK];
    long done = 0;

    if (!current->domain->is_hardware)
        return -EPERM;
    if (!guest_range_ok(buffer, count))
        return -EFAULT;
    while (count) {
        size_t n = console_read_guest(part, min(count, sizeof(part)));

        if (!n)
            break;
        if (copy_to_guest_va(buffer, part, n))
            return -EFAULT;
        count -= n;
        buffer += n;
        done += (long)n;
    }
    return done;
}

/*
 * console_io(cmd, count, buffer): write gives 0, read the number of characters.
 * -EPERM not the domain's console; -EINVAL count is negative; -EFAULT; -ENOMEM;
 * -ENOSYS unknown command.
 */
static long do_console_io(uint64_t cmd, uint64_t count, uint64_t buffer,
                          uint64_t a4, uint64_t a5, uint64_t a6)
{
    (void)a4, (void)a5, (void)a6;
    if ((int32_t)count < 0)
        return -EINVAL;
    count = (uint32_t)count;
    switch ((uint32_t)cmd) {
    case CONSOLEIO_write:
        return console_write(count, buffer);
    case CONSOLEIO_read:
        return console_read(count, buffer);
    default:
        return -ENOSYS;
    }
}
HYPERCALL(__HYPERVISOR_console_io, 3, do_console_io);
