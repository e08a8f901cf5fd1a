#include "acpi/memory.h"

struct acpi_image acpi_image;
static void *last;

void acpi_image_unmap(void)
{
    free(last);
    last = NULL;
}

const void *acpi_image_map(paddr_t start, size_t n)
{
    acpi_image_unmap();
    if (start < acpi_image.base || n == 0 || n > acpi_image.size ||
        start - acpi_image.base > acpi_image.size - n)
        return NULL;
    last = malloc(n);
    if (last)
        memcpy(last, acpi_image.bytes + (start - acpi_image.base), n);
    return last;
}
