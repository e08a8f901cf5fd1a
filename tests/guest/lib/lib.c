/*
 * Output, verdicts and the little of the C library that a test needs.
 *
 * The runner reads the serial console and looks for one line
 *
 *     TEST <verdict>: <words>
 *
 * Lines before it that begin with "# " are the reasons.
 */
#include "guest.h"
#include <xen/io/console.h>

/* Failures are counted all, printed up to here. */
#define MAX_SHOWN 20
static unsigned failures;

/* Yields until the console's reader has taken all but `left` characters. */
static void ring_drain(struct xencons_interface *r, unsigned left)
{
    evtchn_send(start_info->console.domU.evtchn);
    while (r->out_prod - __atomic_load_n(&r->out_cons, __ATOMIC_ACQUIRE) > left)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

/* Run by tools, a test has no other console than the ring they give it. */
static void ring_write(struct xencons_interface *r, const char *s, size_t n)
{
    for (; n; n--) {
        if (r->out_prod - r->out_cons == sizeof(r->out))
            ring_drain(r, sizeof(r->out) - 1);
        r->out[MASK_XENCONS_IDX(r->out_prod, r->out)] = *s++;
        __atomic_store_n(&r->out_prod, r->out_prod + 1, __ATOMIC_RELEASE);
    }
    ring_drain(r, 0);
}

static void console_write(const char *s, size_t n)
{
    unsigned long mfn = start_info->console.domU.mfn;

    hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, n, s);
    if (!(start_info->flags & SIF_INITDOMAIN) && mfn)
        ring_write(pfn_to_virt(machine_to_phys_mapping[mfn]), s, n);
}

/* ---- printf ---- */

struct out {
    char buf[400];
    size_t n;
};

static void put(struct out *o, char c)
{
    if (o->n < sizeof(o->buf))
        o->buf[o->n++] = c;
}

struct spec {
    bool alt, zero, is_long;
    unsigned width;
};

static void put_number(struct out *o, unsigned long v, unsigned base,
                       const struct spec *s, bool negative)
{
    char digits[24];
    unsigned n = 0, used;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    used = n + negative + (s->alt ? 2 : 0);
    for (; !s->zero && used < s->width; used++)
        put(o, ' ');
    if (negative)
        put(o, '-');
    if (s->alt) {
        put(o, '0');
        put(o, 'x');
    }
    for (; used < s->width; used++)
        put(o, '0');
    while (n)
        put(o, digits[--n]);
}

static const char *read_spec(const char *p, struct spec *s)
{
    *s = (struct spec){0};
    for (;; p++) {
        if (*p == '#')
            s->alt = true;
        else if (*p == '0' && !s->width)
            s->zero = true;
        else if (*p >= '0' && *p <= '9')
            s->width = s->width * 10 + (unsigned)(*p - '0');
        else if (*p == 'l' || *p == 'z')
            s->is_long = true;
        else
            return p;
    }
}

static void put_signed(struct out *o, long v, const struct spec *s)
{
    put_number(o, v < 0 ? -(unsigned long)v : (unsigned long)v, 10, s, v < 0);
}

static void put_string(struct out *o, const char *s)
{
    while (*s)
        put(o, *s++);
}

/* %d %u %x %p %s %c %%, with # 0 width and l. */
static void format(struct out *o, const char *p, va_list ap)
{
    struct spec s;

    for (; *p; p++) {
        if (*p != '%') {
            put(o, *p);
            continue;
        }
        p = read_spec(p + 1, &s);
        switch (*p) {
        case 'd':
            put_signed(o, s.is_long ? va_arg(ap, long) : va_arg(ap, int), &s);
            break;
        case 'u':
        case 'x':
            put_number(o,
                       s.is_long ? va_arg(ap, unsigned long)
                                 : va_arg(ap, unsigned),
                       *p == 'u' ? 10 : 16, &s, false);
            break;
        case 'p':
            s.alt = true;
            put_number(o, (unsigned long)va_arg(ap, void *), 16, &s, false);
            break;
        case 's':
            put_string(o, va_arg(ap, const char *));
            break;
        case 'c':
            put(o, (char)va_arg(ap, int));
            break;
        case '%':
            put(o, '%');
            break;
        default:
            put_string(o, "%?");
            return;
        }
    }
}

static void print_line(const char *prefix, const char *fmt, va_list ap)
{
    struct out o = {.n = 0};

    put_string(&o, prefix);
    format(&o, fmt, ap);
    if (o.n == sizeof(o.buf))
        o.n--;
    if (o.buf[o.n - 1] != '\n')
        put(&o, '\n');
    console_write(o.buf, o.n);
}

void print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print_line("# ", fmt, ap);
    va_end(ap);
}

/* ---- verdicts ---- */

void power_off(void)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_reboot};

    for (;;)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
}

static void __attribute__((noreturn)) verdict(const char *word, const char *fmt,
                                              ...)
{
    char prefix[32];
    struct out o = {.n = 0};
    va_list ap;

    put_string(&o, "\nTEST ");
    put_string(&o, word);
    put_string(&o, ": ");
    memcpy(prefix, o.buf, o.n);
    prefix[o.n] = 0;
    va_start(ap, fmt);
    print_line(prefix, fmt, ap);
    va_end(ap);
    power_off();
}

void skip(const char *why)
{
    if (failures)
        finish();
    verdict("SKIP", "%s", why);
}

void error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print_line("# ", fmt, ap);
    va_end(ap);
    verdict("ERROR", "%s", test_title);
}

void crash(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print_line("# ", fmt, ap);
    va_end(ap);
    verdict("CRASH", "%s", test_title);
}

void failure(const char *fmt, ...)
{
    va_list ap;

    if (++failures > MAX_SHOWN)
        return;
    va_start(ap, fmt);
    print_line("# failure: ", fmt, ap);
    va_end(ap);
}

void finish(void)
{
    if (failures)
        verdict("FAILURE", "%s (%u failures)", test_title, failures);
    verdict("SUCCESS", "%s", test_title);
}

bool on_xeno(void)
{
    xen_extraversion_t extra;

    memset(extra, 0, sizeof(extra));
    hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, extra);
    extra[sizeof(extra) - 1] = 0;
    return strstr(extra, "xeno") != NULL;
}

void guest_start(struct start_info *si)
{
    start_info = si;
    traps_init();
    mm_init();
    test_main();
    finish();
}

/* ---- freestanding C ---- */

void *memset(void *p, int c, size_t n)
{
    void *start = p;

    __asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
    return start;
}

void *memcpy(void *d, const void *s, size_t n)
{
    void *start = d;

    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

char *strstr(const char *hay, const char *needle)
{
    size_t n = strlen(needle);

    for (; strlen(hay) >= n; hay++)
        if (!memcmp(hay, needle, n))
            return (char *)(uintptr_t)hay;
    return NULL;
}
