/* make_loader_seeds elf|bzimage directory: writes valid inputs to start from */
#include "loader/make_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *directory;

static void write_seed(const char *name, const void *data, size_t size)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/seed-%s", directory, name);
    f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f)) {
        perror(path);
        exit(1);
    }
}

static void elf_seeds(void)
{
    static struct maker m;

    make_linux(&m);
    write_seed("notes", m.out, m.out_size);
    make_free(&m);
    make_start(&m);
    make_notes_begin(&m);
    make_linux_notes(&m);
    make_notes_end(&m, true);
    make_finish(&m);
    write_seed("sections", m.out, m.out_size);
    make_free(&m);
    make_start(&m);
    m.phdr[0].p_paddr += BASE;
    make_guest_section(&m, "GUEST_OS=netbsd,XEN_VER=3.0,LOADER=generic,"
                           "VIRT_BASE=0xffffffff80000000,PAE=yes,BSD_SYMTAB,"
                           "HYPERCALL_PAGE=0x1002,FEATURES=!dom0|hvm_pirqs");
    make_finish(&m);
    write_seed("string", m.out, m.out_size);
    make_free(&m);
}

static void bzimage_seeds(void)
{
    static struct maker m;
    static const enum payload_kind kinds[] = {PAYLOAD_GZIP, PAYLOAD_XZ,
                                              PAYLOAD_ZSTD};

    make_linux(&m);
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        size_t n, size;
        uint8_t *data = make_packed(kinds[k], m.out, m.out_size,
                                    kinds[k] != PAYLOAD_GZIP, &n);
        uint8_t *file = make_bzimage(data, n, &size);

        write_seed(payload_kind_name(kinds[k]), file, size);
        if (kinds[k] == PAYLOAD_GZIP)
            write_seed("gz", data, n);
        free(file);
        free(data);
    }
    make_free(&m);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    directory = argv[2];
    if (!strcmp(argv[1], "elf"))
        elf_seeds();
    else
        bzimage_seeds();
    return 0;
}
