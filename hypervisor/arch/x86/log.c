/*
 * Readers don't take the console's lock: they copy, then look whether the
 * writer has overtaken them meanwhile, and if so copy again.
 */
#include "arch/x86/log.h"

#include "lib/compiler.h"

static char ring[LOG_SIZE];
static uint32_t head; /* position of the next byte */
static uint32_t cleared; /* nothing before is shown */
static bool full;     /* the ring was filled once */

void log_put(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ring[head % LOG_SIZE] = s[i];
        barrier();
        WRITE_ONCE(head, head + 1);
        if (head == LOG_SIZE)
            full = true;
    }
}

static uint32_t oldest_at(uint32_t end)
{
    uint32_t from = READ_ONCE(full) ? end - LOG_SIZE : 0;
    uint32_t low = READ_ONCE(cleared);

    return end - low < end - from ? low : from;
}

uint32_t log_oldest(void)
{
    return oldest_at(READ_ONCE(head));
}

size_t log_read(uint32_t *pos, char *buf, size_t n)
{
    for (;;) {
        uint32_t end = READ_ONCE(head);
        uint32_t from = *pos;
        size_t len;

        if (end - from > end - oldest_at(end))
            from = oldest_at(end);
        len = min((size_t)(end - from), n);
        for (size_t i = 0; i < len; i++)
            buf[i] = ring[(from + i) % LOG_SIZE];
        smp_rmb();
        if (READ_ONCE(head) - from <= LOG_SIZE) {
            *pos = from + (uint32_t)len;
            return len;
        }
    }
}

void log_clear(uint32_t pos)
{
    WRITE_ONCE(cleared, pos);
}
