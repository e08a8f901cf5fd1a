/* Output and input by lines, and the last words. */
#include <mini-os.h>

static void vprint(const char *fmt, va_list ap)
{
    char line[256];
    size_t n = (size_t)vsnprintf(line, sizeof(line), fmt, ap);
    int state = irq_save();

    ops.console_write(line, n < sizeof(line) ? n : sizeof(line) - 1);
    irq_restore(state);
}

void print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprint(fmt, ap);
    va_end(ap);
}

void panic(const char *fmt, ...)
{
    va_list ap;

    print("\nmini-os stops: ");
    va_start(ap, fmt);
    vprint(fmt, ap);
    va_end(ap);
    print("\n");
    stop(STOP_CRASH);
}

void read_line(char *line, size_t size)
{
    size_t n = 0;
    int c;

    for (;;) {
        while ((c = ops.console_read()) < 0)
            sleep_ms(10);
        if (c == '\r' || c == '\n')
            break;
        if (n + 1 < size) {
            line[n++] = (char)c;
            print("%c", c);
        }
    }
    line[n] = 0;
    print("\n");
}
