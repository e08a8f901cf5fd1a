FUZZERS += fuzz_elf_notes fuzz_payload

loader_files := $(addprefix ../../hypervisor/domain/loader/,bzimage.c \
                  decompress.c elf.c env.c image.c notes.c notes_check.c)
loader_seeds := $(OUT)/make_loader_seeds

fuzz_elf_notes_SRCS  := loader/fuzz_elf_notes.c $(loader_files)
fuzz_elf_notes_LIBS  := -llzma -lzstd -lz
fuzz_elf_notes_SEEDS := $(loader_seeds) elf

fuzz_payload_SRCS  := loader/fuzz_payload.c $(loader_files)
fuzz_payload_LIBS  := -llzma -lzstd -lz
fuzz_payload_SEEDS := $(loader_seeds) bzimage

smoke-fuzz_elf_notes smoke-fuzz_payload: $(loader_seeds)

# The unit tests' image maker writes the seeds.
$(loader_seeds): loader/make_seeds.c ../unit/loader/make_image.c \
                 $(loader_files)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(filter-out -fsanitize=%,$(CFLAGS)) -fsanitize=address \
	  -o $@ $^ -lcmocka -llzma -lzstd -lz
