loader_SRCS := loader/main.c loader/make_image.c loader/test_elf.c \
               loader/test_notes.c loader/test_payload.c loader/test_image.c \
               $(addprefix ../../hypervisor/domain/loader/,bzimage.c \
                 decompress.c elf.c env.c image.c notes.c notes_check.c)
loader_LIBS := -llzma -lzstd -lz
