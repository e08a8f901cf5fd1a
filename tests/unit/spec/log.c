#include "spec_tests.h"

#include <stdio.h>
#include <string.h>

#include "lib/printk.h"

char log_text[4096];

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
