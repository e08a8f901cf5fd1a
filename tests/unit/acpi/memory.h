/*
 * Physical memory for the ACPI parser: an image at a base address, handed out
 * as copies of exactly the size asked for. A copy is gone with the next call.
 */
#ifndef TESTS_ACPI_MEMORY_H
#define TESTS_ACPI_MEMORY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/acpi.h"

struct acpi_image {
    uint8_t *bytes;
    size_t size;
    paddr_t base;
};
extern struct acpi_image acpi_image;

const void *acpi_image_map(paddr_t start, size_t n);
void acpi_image_unmap(void);

#endif
