/* Any bytes as a kernel file: headers, decompression, and what comes after. */
#include <stdlib.h>

#include "domain/loader/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static long live;

static void *fuzz_alloc(void *ctx, size_t size)
{
    (void)ctx;
    live++;
    return malloc(size);
}

static void fuzz_free(void *ctx, void *p, size_t size)
{
    (void)ctx;
    (void)size;
    live--;
    free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_env env = {
        .mem = {.alloc = fuzz_alloc, .free = fuzz_free, .limit = 8 << 20},
        .features_offered = 0x8fff,
        .max_image = 1 << 20,
    };
    struct loaded_image image;

    if (!image_open(&image, data, size, &env)) {
        if (image.payload.data < data ||
            image.payload.data + image.payload.size > data + size)
            abort();
        image_close(&image, &env);
    }
    if (live)
        abort();
    return 0;
}
