/*
 * What a user of the image loader supplies, and how the loader reports.
 *
 * The loader is pure: it touches the image, the memory got from these
 * callbacks and nothing else, so that the hypervisor (for domain 0) and a
 * userland domain builder compile the very same files.
 */
#ifndef DOMAIN_LOADER_ENV_H
#define DOMAIN_LOADER_ENV_H

#include "lib/compiler.h"
#include "lib/types.h"

/* One line of plain text, no newline, ready to print behind "kernel: ". */
struct image_error {
    char text[128];
};

/*
 * alloc   size bytes aligned to 16 (need not be zeroed), or NULL
 * free    the same pointer and size; never called with NULL
 * limit   most bytes that a decompressor may ask for in all, 0 = no limit
 *         (the buffer for its output is not counted)
 */
struct image_mem {
    void *ctx;
    void *(*alloc)(void *ctx, size_t size);
    void (*free)(void *ctx, void *p, size_t size);
    size_t limit;
};

/*
 * mem               memory, see above
 * warn              told (one line) what is odd but not fatal; may be NULL
 * warn_ctx          its first argument
 * features_offered  XENFEAT_* bits a guest of the kind to be built will have
 * control_domain    the guest will be domain 0: the kernel must support that
 * max_image         refuse to unpack to more than this many bytes, 0 = none
 */
struct image_env {
    struct image_mem mem;
    void (*warn)(void *ctx, const char *line);
    void *warn_ctx;
    uint32_t features_offered;
    bool control_domain;
    uint64_t max_image;
};

/* Formats the message into *err and returns -code, code being an E... . */
int image_fail(struct image_error *err, int code, const char *fmt, ...)
    __printf(3, 4);
/* Formats one line and hands it to env->warn. */
void image_warn(const struct image_env *env, const char *fmt, ...)
    __printf(2, 3);

#endif
