#include "arch/x86/console.h"

#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "arch/x86/keyhandler.h"
#include "arch/x86/log.h"
#include "arch/x86/percpu.h"
#include "arch/x86/serial.h"
#include "arch/x86/timer.h"
#include "arch/x86/vga.h"
#include "lib/errno.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "lib/string.h"

#define PREFIX "(XENO) "
#define LINE_MAX 1024
#define NESTED_MAX 256

/* ---- options ---- */

static bool use_com[SERIAL_PORTS] = {true, false};
static bool use_vga = true;

static int __init console_device(const char *name, size_t len)
{
    if (len == 3 && !strncmp(name, "vga", 3))
        use_vga = true;
    else if (len >= 4 && len <= 5 && !strncmp(name, "com", 3) &&
             (name[3] == '1' || name[3] == '2'))
        use_com[name[3] - '1'] = true; /* a letter H or L may follow */
    else if (!(len == 4 && !strncmp(name, "none", 4)))
        return -EINVAL;
    return 0;
}

/* console=DEVICE[,...]: com1, com2, vga, none. */
static int __init parse_console(const char *s)
{
    bool com[SERIAL_PORTS] = {use_com[0], use_com[1]}, vga = use_vga;

    use_com[0] = use_com[1] = use_vga = false;
    for (;;) {
        size_t len = 0;
        while (s[len] && s[len] != ',')
            len++;
        if (console_device(s, len)) {
            memcpy(use_com, com, sizeof(com));
            use_vga = vga;
            return -EINVAL;
        }
        if (!s[len])
            return 0;
        s += len + 1;
    }
}
PARAM_FN("console", parse_console);

/*
 * Levels below `lower` always pass, those below `upper` are rate-limited.
 */
struct threshold {
    unsigned lower, upper;
};
#ifdef DEBUG
static struct threshold host_level = {4, 4}, guest_level = {4, 4};
#else
static struct threshold host_level = {3, 3}, guest_level = {0, 2};
#endif

static int __init parse_level(const char **s, unsigned *level)
{
    static const char *const names[] = {"none", "error", "warning", "info",
                                        "debug", "all"};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        size_t len = strlen(names[i]);
        if (!strncmp(*s, names[i], len)) {
            *s += len;
            *level = i < 4 ? i : 4;
            return 0;
        }
    }
    return -EINVAL;
}

/* LEVEL[/LEVEL] */
static int __init parse_threshold(const char *s, struct threshold *t)
{
    struct threshold v;

    if (parse_level(&s, &v.lower))
        return -EINVAL;
    v.upper = v.lower;
    if (*s == '/') {
        s++;
        if (parse_level(&s, &v.upper))
            return -EINVAL;
    }
    if (*s)
        return -EINVAL;
    v.upper = max(v.upper, v.lower);
    *t = v;
    return 0;
}

static int __init parse_loglvl(const char *s)
{
    return parse_threshold(s, &host_level);
}
PARAM_FN("loglvl", parse_loglvl);

static int __init parse_guest_loglvl(const char *s)
{
    return parse_threshold(s, &guest_level);
}
PARAM_FN("guest_loglvl", parse_guest_loglvl);

/* Put dom0's console output into the ring as well. */
static bool console_to_ring;
PARAM_BOOL("console_to_ring", console_to_ring);

/* Seconds since boot before each line: console_timestamps[=boot|none]. */
static bool timestamps;
static int __init parse_timestamps(const char *s)
{
    if (!*s || !strcmp(s, "boot"))
        timestamps = true;
    else if (!strcmp(s, "none") || !strcmp(s, "no"))
        timestamps = false;
    else
        return -EINVAL;
    return 0;
}
PARAM_FN("console_timestamps", parse_timestamps);

/* ---- the lock: like a spinlock, but a CPU may meet itself in it (NMI) ---- */

static int lock_owner = -1; /* CPU, atomic */
static bool broken;

/* False: this CPU already held it, or nobody cares any more. */
static bool console_lock(unsigned long *flags)
{
    int me = (int)smp_cpu_id();
    int expected;

    *flags = irq_save();
    do {
        if (READ_ONCE(broken) || READ_ONCE(lock_owner) == me)
            return false;
        cpu_relax();
        expected = -1;
    } while (!__atomic_compare_exchange_n(&lock_owner, &expected, me, false,
                                          __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    return true;
}

static void console_unlock(bool locked, unsigned long flags)
{
    if (locked)
        __atomic_store_n(&lock_owner, -1, __ATOMIC_RELEASE);
    irq_restore(flags);
}

void console_break(void)
{
    WRITE_ONCE(broken, true);
}

/* ---- output; everything below under the lock ---- */

static bool initialised;
/* Whose unfinished line the cursor stands in. */
static enum { COLUMN_0, LINE_HOST, LINE_GUEST } column;
static char last_char;

static void device_putc(char c)
{
    if (c == '\n' && last_char != '\r') {
        for (unsigned i = 0; i < SERIAL_PORTS; i++)
            if (use_com[i])
                serial_putc(i, '\r');
    }
    last_char = c;
    for (unsigned i = 0; i < SERIAL_PORTS; i++)
        if (use_com[i])
            serial_putc(i, c);
    if (use_vga)
        vga_putc(c);
}

static void device_write(const char *s, size_t n)
{
    if (initialised)
        while (n--)
            device_putc(*s++);
}

static void host_write(const char *s, size_t n)
{
    log_put(s, n);
    device_write(s, n);
}

static void line_prefix(void)
{
    char stamp[32];

    if (column == LINE_GUEST)
        device_write("\n", 1);
    host_write(PREFIX, sizeof(PREFIX) - 1);
    if (timestamps && cpu_khz) {
        s_time_t t = now();
        int n = snprintf(stamp, sizeof(stamp), "[%5lu.%06lu] ",
                         t / SECONDS(1), t % SECONDS(1) / 1000);
        host_write(stamp, (size_t)n);
    }
    column = LINE_HOST;
}

static void host_text(const char *s)
{
    while (*s) {
        const char *end = strchr(s, '\n');
        size_t n = end ? (size_t)(end - s) + 1 : strlen(s);

        if (column != LINE_HOST)
            line_prefix();
        host_write(s, n);
        if (end)
            column = COLUMN_0;
        s += n;
    }
}

/* Ten messages at once, then one every half second. */
static bool rate_ok(void)
{
    static uint64_t last;
    static unsigned tokens = 10, lost;
    uint64_t tsc = rdtsc();
    uint64_t period = (cpu_khz ? cpu_khz : 1000000) * 500;
    uint64_t fresh = (tsc - last) / period;

    if (fresh) {
        tokens = (unsigned)min(tokens + fresh, 10UL);
        last = tsc;
    }
    if (!tokens) {
        lost++;
        return false;
    }
    tokens--;
    if (lost) {
        char note[48];
        snprintf(note, sizeof(note), "%u messages suppressed\n", lost);
        lost = 0;
        host_text(note);
    }
    return true;
}

/* Reads the level off the front; should the message be shown? */
static bool level_passes(const char **fmt)
{
    unsigned level = 1;
    const struct threshold *t = &host_level;

    if (**fmt == '\1' && (*fmt)[1] >= '0' && (*fmt)[1] <= '7') {
        level = (unsigned)((*fmt)[1] - '0');
        *fmt += 2;
    }
    if (level >= 4) {
        level -= 4;
        t = &guest_level;
    }
    return level < t->lower || (level < t->upper && rate_ok());
}

/* What is too long ends visibly, and ends its line. */
static void host_format(char *buf, size_t size, const char *fmt, va_list ap)
{
    static const char cut[] = "...\n";

    if ((size_t)vsnprintf(buf, size, fmt, ap) >= size)
        memcpy(buf + size - sizeof(cut), cut, sizeof(cut));
    host_text(buf);
}

void vprintk(const char *fmt, va_list ap)
{
    static char buf[LINE_MAX];
    unsigned long flags;
    bool locked = console_lock(&flags);

    if (level_passes(&fmt)) {
        if (locked) {
            host_format(buf, sizeof(buf), fmt, ap);
        } else { /* buf may be in use */
            char small[NESTED_MAX];
            host_format(small, sizeof(small), fmt, ap);
        }
    }
    console_unlock(locked, flags);
}

void printk(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintk(fmt, ap);
    va_end(ap);
}

void console_write_guest(const char *s, size_t n)
{
    unsigned long flags;
    bool locked;

    if (!n)
        return;
    locked = console_lock(&flags);
    if (column == LINE_HOST)
        host_write("\n", 1);
    device_write(s, n);
    if (console_to_ring)
        log_put(s, n);
    column = s[n - 1] == '\n' ? COLUMN_0 : LINE_GUEST;
    console_unlock(locked, flags);
}

void console_release_vga(void)
{
    unsigned long flags;
    bool locked = console_lock(&flags);

    use_vga = false;
    console_unlock(locked, flags);
}

void console_remap(void)
{
    vga_remap();
}

void console_init(void)
{
    unsigned long flags;
    uint32_t pos;
    char part[128];
    size_t n;
    bool locked = console_lock(&flags);

    for (unsigned i = 0; i < SERIAL_PORTS; i++)
        if (use_com[i])
            use_com[i] = serial_init(i);
    use_vga = use_vga && boot_info.have_vga_text;
    if (use_vga)
        vga_init();
    initialised = true;
    pos = log_oldest();
    while ((n = log_read(&pos, part, sizeof(part))) > 0)
        device_write(part, n);
    console_unlock(locked, flags);
}

void console_emergency_init(void)
{
    if (!initialised)
        console_init();
}

/* ---- input ---- */

static char rx_ring[1024];
static unsigned rx_head, rx_tail; /* under rx_lock */
static spinlock_t rx_lock = SPINLOCK_INIT(LOCK_ANY);
void (*console_rx_notify)(void);

static char switch_char = 1; /* Ctrl-A; 0: none */
static bool input_to_host;

/* conswitch=CHAR[x]: Ctrl-CHAR switches; x: input starts at the hypervisor. */
static int __init parse_conswitch(const char *s)
{
    char c = (char)(s[0] | 0x20);

    if (!s[0] || (s[1] && (s[1] != 'x' || s[2])))
        return -EINVAL;
    switch_char = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 1) : 0;
    input_to_host = s[1] == 'x';
    return 0;
}
PARAM_FN("conswitch", parse_conswitch);

size_t console_read_guest(char *buf, size_t n)
{
    unsigned long flags = spin_lock_irqsave(&rx_lock);
    size_t i;

    for (i = 0; i < n && rx_tail != rx_head; i++)
        buf[i] = rx_ring[rx_tail++ % sizeof(rx_ring)];
    spin_unlock_irqrestore(&rx_lock, flags);
    return i;
}

static void rx_for_guest(char c)
{
    void (*notify)(void) = READ_ONCE(console_rx_notify);

    spin_lock(&rx_lock);
    if (rx_head - rx_tail < sizeof(rx_ring))
        rx_ring[rx_head++ % sizeof(rx_ring)] = c;
    spin_unlock(&rx_lock);
    if (notify)
        notify();
}

static void switch_input(void)
{
    input_to_host = !input_to_host;
    printk("*** Input now goes to %s (type Ctrl-%c three times to switch "
           "back)\n",
           input_to_host ? "the hypervisor: h for help" : "domain 0",
           switch_char + 'A' - 1);
}

void console_rx_char(char c)
{
    static unsigned in_a_row;

    if (switch_char && c == switch_char) {
        if (++in_a_row == 3) {
            in_a_row = 0;
            switch_input();
        }
        return;
    }
    /* One or two of them, then something else, are dom0's. */
    for (; in_a_row; in_a_row--)
        if (!input_to_host)
            rx_for_guest(switch_char);
    if (input_to_host)
        keyhandler_queue(c);
    else
        rx_for_guest(c);
}

void console_start_input(void)
{
    keyhandler_init();
    for (unsigned i = 0; i < SERIAL_PORTS; i++)
        if (use_com[i])
            serial_start_input(i);
}
