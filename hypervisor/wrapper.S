/*
 * What boot loaders see: a 32-bit ELF with the flat image of the hypervisor
 * (text and data, then zeroed memory) at its physical address.
 */
    .section .image, "awx", @progbits
image:
    .incbin IMAGE
image_end:
    .globl image_entry
    .set image_entry, ENTRY_OFFSET

    .section .zero, "aw", @nobits
    .skip MEM_SIZE - (image_end - image)
