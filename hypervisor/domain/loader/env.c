#include "domain/loader/env.h"

#include <stdarg.h>
#include "lib/printf.h"

int image_fail(struct image_error *err, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return -code;
}

void image_warn(const struct image_env *env, const char *fmt, ...)
{
    struct image_error line;
    va_list ap;

    if (!env->warn)
        return;
    va_start(ap, fmt);
    vsnprintf(line.text, sizeof(line.text), fmt, ap);
    va_end(ap);
    env->warn(env->warn_ctx, line.text);
}
