/*
 * A small vsnprintf. Output goes through `struct out`, which counts everything
 * and stores what fits.
 */
#include "lib/printf.h"

#include "lib/string.h"

struct out {
    char *buf;
    size_t size, len;
};

struct spec {
    bool left, zero, plus, space, alt, upper;
    int width, precision; /* -1: none */
    char length;          /* 0, 'h', 'H' (hh), 'l' (l, ll, z) */
};

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size)
        o->buf[o->len] = c;
    o->len++;
}

static void pad(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

static void put_string(struct out *o, const struct spec *sp, const char *s)
{
    size_t limit = sp->precision < 0 ? (size_t)-1 : (size_t)sp->precision;
    int n;

    if (!s)
        s = "(null)";
    n = (int)strnlen(s, limit);
    if (!sp->left)
        pad(o, ' ', sp->width - n);
    for (int i = 0; i < n; i++)
        put(o, s[i]);
    if (sp->left)
        pad(o, ' ', sp->width - n);
}

static void put_number(struct out *o, const struct spec *sp, uint64_t v,
                       unsigned base, const char *prefix)
{
    const char *digits = sp->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char tmp[24];
    int n = 0, zeros, total;

    for (; v; v /= base)
        tmp[n++] = digits[v % base];
    if (base == 8 && sp->alt && sp->precision <= n)
        tmp[n++] = '0';
    zeros = (sp->precision < 0 ? 1 : sp->precision) - n;
    if (zeros < 0)
        zeros = 0;
    total = (int)strlen(prefix) + n + zeros;
    if (sp->zero && !sp->left && sp->precision < 0 && sp->width > total) {
        zeros += sp->width - total;
        total = sp->width;
    }
    if (!sp->left)
        pad(o, ' ', sp->width - total);
    while (*prefix)
        put(o, *prefix++);
    pad(o, '0', zeros);
    while (n)
        put(o, tmp[--n]);
    if (sp->left)
        pad(o, ' ', sp->width - total);
}

static void put_signed(struct out *o, const struct spec *sp, int64_t v)
{
    const char *sign = v < 0 ? "-" : sp->plus ? "+" : sp->space ? " " : "";

    put_number(o, sp, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, sign);
}

static int parse_int(const char **fmt)
{
    int n = 0;

    for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
        if (n < 100000)
            n = n * 10 + (**fmt - '0');
    return n;
}

static const char *parse_flags(const char *fmt, struct spec *sp)
{
    for (;; fmt++) {
        switch (*fmt) {
        case '-':
            sp->left = true;
            break;
        case '0':
            sp->zero = true;
            break;
        case '+':
            sp->plus = true;
            break;
        case ' ':
            sp->space = true;
            break;
        case '#':
            sp->alt = true;
            break;
        default:
            return fmt;
        }
    }
}

static const char *parse_length(const char *fmt, struct spec *sp)
{
    if (*fmt == 'h') {
        sp->length = 'h';
        if (*++fmt == 'h') {
            sp->length = 'H';
            fmt++;
        }
    }
    while (*fmt == 'l' || *fmt == 'z') {
        sp->length = 'l';
        fmt++;
    }
    return fmt;
}

static uint64_t truncate_unsigned(const struct spec *sp, uint64_t v)
{
    switch (sp->length) {
    case 'H':
        return (uint8_t)v;
    case 'h':
        return (uint16_t)v;
    default:
        return v;
    }
}

static int64_t truncate_signed(const struct spec *sp, int64_t v)
{
    switch (sp->length) {
    case 'H':
        return (int8_t)v;
    case 'h':
        return (int16_t)v;
    default:
        return v;
    }
}

static void convert_unsigned(struct out *o, const struct spec *sp, char c,
                             uint64_t v)
{
    const char *prefix = "";

    v = truncate_unsigned(sp, v);
    if (sp->alt && v && c == 'x')
        prefix = "0x";
    if (sp->alt && v && c == 'X')
        prefix = "0X";
    put_number(o, sp, v, c == 'o' ? 8 : c == 'u' ? 10 : 16, prefix);
}

#define NEXT_ARG(is_long, type_long, type_int)                                 \
    ((is_long) ? (type_long)va_arg(*ap, type_long)                             \
               : (type_long)va_arg(*ap, type_int))

struct args {
    va_list ap; /* wrapped, so that its address can be passed on */
};

static void convert(struct out *o, struct spec *sp, char c, struct args *args)
{
    va_list *ap = &args->ap;

    switch (c) {
    case 'd':
    case 'i':
        put_signed(o, sp,
                   truncate_signed(sp, NEXT_ARG(sp->length == 'l', long, int)));
        break;
    case 'X':
        sp->upper = true; /* fall through */
    case 'x':
    case 'o':
    case 'u':
        convert_unsigned(
            o, sp, c,
            NEXT_ARG(sp->length == 'l', unsigned long, unsigned int));
        break;
    case 'p':
        sp->precision = 16;
        put_number(o, sp, (uint64_t)va_arg(*ap, void *), 16, "");
        break;
    case 's':
        put_string(o, sp, va_arg(*ap, const char *));
        break;
    case 'c': {
        char s[2] = {(char)va_arg(*ap, int), 0};
        sp->precision = 1;
        put_string(o, sp, s);
        break;
    }
    case '%':
        put(o, '%');
        break;
    default: /* unknown: show it as it stands */
        put(o, '%');
        put(o, c);
    }
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = {buf, size, 0};
    struct args args;

    va_copy(args.ap, ap);
    while (*fmt) {
        struct spec sp = {.precision = -1};
        if (*fmt != '%') {
            put(&o, *fmt++);
            continue;
        }
        fmt = parse_flags(fmt + 1, &sp);
        if (*fmt == '*') {
            fmt++;
            sp.width = va_arg(args.ap, int);
            if (sp.width < 0) {
                sp.left = true;
                sp.width = sp.width < -100000 ? 100000 : -sp.width;
            }
        } else {
            sp.width = parse_int(&fmt);
        }
        if (*fmt == '.') {
            fmt++;
            if (*fmt == '*') {
                fmt++;
                sp.precision = va_arg(args.ap, int);
            } else {
                sp.precision = parse_int(&fmt);
            }
        }
        fmt = parse_length(fmt, &sp);
        if (!*fmt)
            break;
        convert(&o, &sp, *fmt++, &args);
    }
    va_end(args.ap);
    if (size)
        buf[min(o.len, size - 1)] = 0;
    return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
