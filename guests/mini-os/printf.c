/* Formatted output, to memory and to the console; the console's input. */
#include <mini-os.h>

struct out {
    char *buf;
    size_t size, n; /* n may pass size: what does not fit is only counted */
};

struct spec {
    int left, zero, alt, is_long;
    size_t width;
};

static void put(struct out *o, char c)
{
    if (o->n + 1 < o->size)
        o->buf[o->n] = c;
    o->n++;
}

static void put_padded(struct out *o, const struct spec *s, const char *sign,
                       const char *text, size_t len)
{
    size_t i, used = strlen(sign) + len;

    for (i = used; !s->left && !s->zero && i < s->width; i++)
        put(o, ' ');
    for (; *sign; sign++)
        put(o, *sign);
    for (i = used; !s->left && s->zero && i < s->width; i++)
        put(o, '0');
    for (i = 0; i < len; i++)
        put(o, text[i]);
    for (i = used; s->left && i < s->width; i++)
        put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, const char *sign,
                       u64 v, unsigned base)
{
    char digits[24];
    size_t i = sizeof(digits);

    if (base == 16 && s->alt && v)
        sign = "0x";
    do {
        digits[--i] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    put_padded(o, s, sign, digits + i, sizeof(digits) - i);
}

static const char *read_spec(const char *p, struct spec *s)
{
    char *end;

    memset(s, 0, sizeof(*s));
    for (;; p++) {
        if (*p == '-')
            s->left = 1;
        else if (*p == '0')
            s->zero = 1;
        else if (*p == '#')
            s->alt = 1;
        else
            break;
    }
    s->width = strtoul(p, &end, 10);
    p = end;
    for (; *p == 'l'; p++)
        s->is_long = 1;
    return p;
}

static void put_argument(struct out *o, struct spec *s, char kind, va_list *ap)
{
    const char *text;
    char c;
    long v;

    switch (kind) {
    case 'd':
        v = s->is_long ? va_arg(*ap, long) : va_arg(*ap, int);
        put_number(o, s, v < 0 ? "-" : "", v < 0 ? 0 - (u64)v : (u64)v, 10);
        break;
    case 'u':
    case 'x':
        put_number(o, s, "",
                   s->is_long ? va_arg(*ap, u64) : va_arg(*ap, u32),
                   kind == 'u' ? 10 : 16);
        break;
    case 'p':
        s->alt = 1;
        put_number(o, s, "", (u64)va_arg(*ap, void *), 16);
        break;
    case 's':
        text = va_arg(*ap, const char *);
        put_padded(o, s, "", text, strlen(text));
        break;
    case 'c':
        c = (char)va_arg(*ap, int);
        put_padded(o, s, "", &c, 1);
        break;
    default:
        put(o, kind);
    }
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = {buf, size, 0};
    struct spec s;
    va_list args;

    va_copy(args, ap);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        fmt = read_spec(fmt + 1, &s);
        if (!*fmt)
            break;
        put_argument(&o, &s, *fmt, &args);
    }
    va_end(args);
    if (size)
        buf[o.n < size ? o.n : size - 1] = 0;
    return (int)o.n;
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
