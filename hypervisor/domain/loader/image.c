#include "domain/loader/image.h"

#include "domain/loader/decompress.h"
#include "lib/errno.h"
#include "lib/string.h"

/* Unpacks image->payload into image->buffer; *size: of the ELF image. */
static int unpack(struct loaded_image *image, const struct image_env *env,
                  size_t *size)
{
    const struct payload *payload = &image->payload;
    struct image_error *err = &image->error;

    if (!payload->unpacked ||
        (env->max_image && payload->unpacked > env->max_image))
        return image_fail(err, E2BIG,
                          "unpacked size %llu bytes (limit %llu): "
                          "file damaged?",
                          (unsigned long long)payload->unpacked,
                          (unsigned long long)env->max_image);
    image->buffer = env->mem.alloc(env->mem.ctx, payload->unpacked);
    if (!image->buffer)
        return image_fail(err, ENOMEM, "no memory for %llu bytes of kernel",
                          (unsigned long long)payload->unpacked);
    image->buffer_size = payload->unpacked;
    *size = image->buffer_size;
    return decompress(payload->kind, payload->data, payload->size,
                      image->buffer, size, &env->mem, err);
}

int image_open(struct loaded_image *image, const void *file, size_t size,
               const struct image_env *env)
{
    const void *elf = file;
    int rc;

    memset(image, 0, sizeof(*image));
    rc = payload_find(file, size, &image->payload, &image->error);
    if (rc)
        return rc;
    if (image->payload.kind == PAYLOAD_ELF) {
        elf = image->payload.data;
        size = image->payload.size;
    } else {
        rc = unpack(image, env, &size);
        elf = image->buffer;
    }
    if (!rc)
        rc = elf_parse(&image->elf, elf, size, &image->error);
    if (!rc)
        rc = xen_parms_read(&image->parms, &image->elf, env, &image->error);
    if (rc)
        image_close(image, env);
    return rc;
}

void image_close(struct loaded_image *image, const struct image_env *env)
{
    if (image->buffer)
        env->mem.free(env->mem.ctx, image->buffer, image->buffer_size);
    image->buffer = NULL;
}

int image_copy(const struct loaded_image *image, const struct image_sink *sink)
{
    const struct elf_image *elf = &image->elf;
    struct elf_segment seg;
    uint32_t iter = 0;

    while (elf_next_segment(elf, &iter, &seg)) {
        uint64_t gpa = seg.paddr - image->parms.elf_paddr_offset;
        uint64_t rest = seg.mem_size - seg.file_size;
        int rc = 0;

        if (seg.file_size)
            rc = sink->copy(sink->ctx, gpa, elf->file + seg.offset,
                            seg.file_size);
        if (!rc && rest)
            rc = sink->zero(sink->ctx, gpa + seg.file_size, rest);
        if (rc)
            return rc;
    }
    return 0;
}
