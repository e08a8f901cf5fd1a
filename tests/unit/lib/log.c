/* What rooms below and above provide to lib, for these tests. */
#include "lib_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/heap.h"
#include "lib/printk.h"

char log_text[4096];
unsigned fail_alloc_at;

void log_reset(void)
{
    log_text[0] = 0;
}

void printk(const char *fmt, ...)
{
    size_t used = strlen(log_text);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(log_text + used, sizeof(log_text) - used, fmt, ap);
    va_end(ap);
}

void *xmalloc(size_t bytes)
{
    if (fail_alloc_at && --fail_alloc_at == 0) {
        fail_alloc_at = 1;
        return NULL;
    }
    return malloc(bytes);
}

void *xzalloc(size_t bytes)
{
    void *p = xmalloc(bytes);

    return p ? memset(p, 0, bytes) : NULL;
}

void xfree(void *p)
{
    free(p);
}
