/* Any bytes as an ELF image: parsed, notes read, segments "copied". */
#include <stdlib.h>
#include <string.h>

#include <xen/elfnote.h>

#include "domain/loader/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What xen_parms_check promises to the builder, and sources inside the file. */
static const struct loaded_image *current;
static volatile uint8_t sum;

static void require(bool ok)
{
    if (!ok)
        abort();
}

static int see_copy(void *ctx, uint64_t gpa, const void *src, uint64_t size)
{
    const uint8_t *p = src;

    (void)ctx;
    require(size && gpa >= current->parms.kstart &&
            gpa + size <= current->parms.kend);
    sum += p[0];
    sum += p[size - 1];
    return 0;
}

static int see_zero(void *ctx, uint64_t gpa, uint64_t size)
{
    (void)ctx;
    require(size && gpa >= current->parms.kstart &&
            gpa + size <= current->parms.kend);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct image_sink sink = {NULL, see_copy, see_zero};
    struct image_env env = {.features_offered = 0x8fff,
                            .control_domain = size & 1};
    struct loaded_image image = {0};
    const struct xen_image_parms *p = &image.parms;

    if (elf_parse(&image.elf, data, size, &image.error) ||
        xen_parms_read(&image.parms, &image.elf, &env, &image.error)) {
        require(image.error.text[0] &&
                strlen(image.error.text) < sizeof(image.error.text));
        return 0;
    }
    current = &image;
    require(p->virt_kstart < p->virt_kend && p->virt_base <= p->virt_kstart);
    require(p->virt_entry >= p->virt_kstart && p->virt_entry < p->virt_kend);
    require(!(p->features_required & ~env.features_offered));
    if (parms_have(p, XEN_ELFNOTE_HYPERCALL_PAGE))
        require(p->virt_hypercall >= p->virt_kstart &&
                p->virt_hypercall + PAGE_SIZE <= p->virt_kend);
    require(!image_copy(&image, &sink));
    return 0;
}
