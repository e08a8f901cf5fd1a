#include "arch/x86/serial.h"

#include "arch/x86/console.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/timer.h"
#include "lib/errno.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "lib/string.h"

/* Registers of a 16550. */
#define UART_DATA 0
#define UART_IER 1 /* with DLAB: divisor, high byte */
#define UART_IIR 2
#define UART_FCR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5

#define IER_RX 0x01
#define IIR_FIFO 0xc0
#define FCR_ENABLE 0x07 /* and clear both */
#define LCR_DLAB 0x80
#define MCR_READY 0x0b /* DTR, RTS, interrupts enabled (OUT2) */
#define LSR_RX 0x01
#define LSR_TX_EMPTY 0x20

#define TX_SPIN_MAX 1000000u
#define POLL_PERIOD MILLISECS(20)

static struct uart {
    uint32_t baud; /* 0: as the firmware left it */
    uint32_t base_baud;
    uint8_t lcr;
    uint16_t io;
    uint8_t irq; /* ISA, 0: poll */
    bool in_use;
    unsigned fifo, room; /* bytes that may be sent without looking */
    struct timer poll;
} uart[SERIAL_PORTS] = {
    {.baud = 115200, .base_baud = 115200, .lcr = 3, .io = 0x3f8, .irq = 4},
    {.baud = 115200, .base_baud = 115200, .lcr = 3, .io = 0x2f8, .irq = 3},
};

static int parse_format(struct uart *u, const char *s, const char **end)
{
    static const char parities[] = "noems";
    static const uint8_t parity_bits[] = {0x00, 0x08, 0x18, 0x28, 0x38};
    const char *p;

    if (s[0] < '5' || s[0] > '8' || !s[1] || !(p = strchr(parities, s[1])) ||
        (s[2] != '1' && s[2] != '2'))
        return -EINVAL;
    u->lcr = (uint8_t)((s[0] - '5') | (s[2] == '2' ? 4 : 0) |
                       parity_bits[p - parities]);
    *end = s + 3;
    return 0;
}

/* A number in [min_, max_] if there is one; *s moves behind it. */
static int parse_field(const char **s, uint64_t *v, uint64_t min_,
                       uint64_t max_)
{
    const char *end;
    uint64_t x = str_to_u64(*s, &end, 0);

    if (end == *s)
        return 0;
    if (x < min_ || x > max_)
        return -EINVAL;
    *v = x;
    *s = end;
    return 0;
}

static int parse_baud(struct uart *u, const char **s)
{
    uint64_t baud = u->baud, base = u->base_baud;

    if (!strncmp(*s, "auto", 4)) {
        *s += 4;
        baud = 0;
    } else if (parse_field(s, &baud, 50, 4000000)) {
        return -EINVAL;
    }
    if (**s == '/') {
        ++*s;
        if (parse_field(s, &base, 50, 64000000))
            return -EINVAL;
    }
    if (baud && (base / baud == 0 || base / baud > 0xffff))
        return -EINVAL;
    u->baud = (uint32_t)baud;
    u->base_baud = (uint32_t)base;
    return 0;
}

/* BAUD[/BASE_BAUD][,FORMAT[,IO_PORT[,IRQ]]], each may be left empty. */
static int parse_uart(struct uart *to, const char *s)
{
    struct uart u = *to;
    uint64_t io = u.io, irq = u.irq;

    if (parse_baud(&u, &s))
        return -EINVAL;
    if (*s == ',' && *++s != ',' && *s && parse_format(&u, s, &s))
        return -EINVAL;
    if (*s == ',' && (s++, parse_field(&s, &io, 8, 0xfff8)))
        return -EINVAL;
    if (*s == ',' && (s++, parse_field(&s, &irq, 0, 15)))
        return -EINVAL;
    if (*s)
        return -EINVAL;
    u.io = (uint16_t)io;
    u.irq = (uint8_t)irq;
    *to = u;
    return 0;
}

static int __init parse_com1(const char *s)
{
    return parse_uart(&uart[0], s);
}
PARAM_FN("com1", parse_com1);

static int __init parse_com2(const char *s)
{
    return parse_uart(&uart[1], s);
}
PARAM_FN("com2", parse_com2);

static uint8_t uart_read(const struct uart *u, unsigned reg)
{
    return inb((uint16_t)(u->io + reg));
}

static void uart_write(const struct uart *u, unsigned reg, uint8_t v)
{
    outb(v, (uint16_t)(u->io + reg));
}

bool serial_init(unsigned port)
{
    struct uart *u = &uart[port];

    if (u->in_use)
        return true;
    /* Nobody there: the bus reads all ones, and IER keeps nothing. */
    uart_write(u, UART_IER, 0x05);
    if (uart_read(u, UART_IER) != 0x05)
        return false;
    uart_write(u, UART_IER, 0);
    if (u->baud) {
        uint16_t divisor = (uint16_t)(u->base_baud / u->baud);
        uart_write(u, UART_LCR, LCR_DLAB);
        uart_write(u, UART_DATA, (uint8_t)divisor);
        uart_write(u, UART_IER, (uint8_t)(divisor >> 8));
    }
    uart_write(u, UART_LCR, u->lcr);
    uart_write(u, UART_FCR, FCR_ENABLE);
    uart_write(u, UART_MCR, MCR_READY);
    u->fifo = (uart_read(u, UART_IIR) & IIR_FIFO) == IIR_FIFO ? 16 : 1;
    u->room = 0;
    u->in_use = true;
    return true;
}

uint16_t serial_iobase(unsigned port)
{
    return port < SERIAL_PORTS && uart[port].in_use ? uart[port].io : 0;
}

void serial_putc(unsigned port, char c)
{
    struct uart *u = &uart[port];

    if (!u->in_use)
        return;
    if (u->room == 0) {
        for (unsigned i = 0; !(uart_read(u, UART_LSR) & LSR_TX_EMPTY); i++) {
            if (i == TX_SPIN_MAX)
                return; /* flow stopped for good: lose the character */
            cpu_relax();
        }
        u->room = u->fifo;
    }
    u->room--;
    uart_write(u, UART_DATA, (uint8_t)c);
}

static void receive(struct uart *u)
{
    unsigned long flags = irq_save();

    for (unsigned i = 0; i < 64 && (uart_read(u, UART_LSR) & LSR_RX); i++)
        console_rx_char((char)uart_read(u, UART_DATA));
    irq_restore(flags);
}

static void uart_interrupt(unsigned irq, void *data)
{
    receive(data);
    (void)uart_read(data, UART_IIR);
    irq_eoi(irq);
}

static void uart_poll(void *data)
{
    struct uart *u = data;

    receive(u);
    timer_set(&u->poll, now() + POLL_PERIOD);
}

void serial_start_input(unsigned port)
{
    struct uart *u = &uart[port];
    unsigned gsi;

    if (!u->in_use)
        return;
    gsi = irq_isa_to_gsi(u->irq);
    if (u->irq && irq_bind(gsi, uart_interrupt, u, 0) == 0) {
        irq_unmask(gsi);
        uart_write(u, UART_IER, IER_RX);
        return;
    }
    timer_init(&u->poll, uart_poll, u, 0);
    timer_set(&u->poll, now() + POLL_PERIOD);
}
