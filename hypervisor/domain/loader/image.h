/*
 * From a kernel file to a guest: the top of the loader.
 *
 *     struct loaded_image image;
 *     rc = image_open(&image, module, size, &env);
 *     if (rc)
 *         ... image.error.text says why, nothing is left allocated ...
 *     ... choose memory by image.parms.kend, map image.parms.virt_base ...
 *     rc = image_copy(&image, &sink);
 *     image_close(&image, &env);
 */
#ifndef DOMAIN_LOADER_IMAGE_H
#define DOMAIN_LOADER_IMAGE_H

#include "domain/loader/bzimage.h"
#include "domain/loader/elf.h"
#include "domain/loader/notes.h"

/*
 * payload   how the file was packed
 * buffer    the unpacked image, from env->mem, or NULL if the file itself is
 *           the ELF image (then the file must outlive this)
 * elf       its headers; elf.file is the image
 * parms     what its notes say, checked
 * error     set when a function below fails
 */
struct loaded_image {
    struct payload payload;
    void *buffer;
    size_t buffer_size;
    struct elf_image elf;
    struct xen_image_parms parms;
    struct image_error error;
};

/*
 * Unpacks (if need be), parses and checks a bzImage, a gzip-compressed ELF
 * image or an ELF image. Errors as of payload_find, decompress, elf_parse and
 * xen_parms_read; then there is nothing to close.
 */
int image_open(struct loaded_image *image, const void *file, size_t size,
               const struct image_env *env);

/* Gives the buffer back. */
void image_close(struct loaded_image *image, const struct image_env *env);

/*
 * Where the bytes go. gpa is guest-physical (0 = the guest's first byte).
 * Not 0 from a callback ends the copy.
 *
 * copy   size bytes from src
 * zero   size bytes of zero (may do nothing if the memory is known to be zero)
 */
struct image_sink {
    void *ctx;
    int (*copy)(void *ctx, uint64_t gpa, const void *src, uint64_t size);
    int (*zero)(void *ctx, uint64_t gpa, uint64_t size);
};

/*
 * Hands all loadable segments to the sink, in the image's order. All ranges
 * lie within [parms.kstart, parms.kend). Gaps between segments are not
 * written. 0 or what a callback returned.
 */
int image_copy(const struct loaded_image *image, const struct image_sink *sink);

#endif
