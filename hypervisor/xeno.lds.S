/*
 * Memory image of the hypervisor. Each group with other access rights starts
 * on a page of its own: paging_init maps text read+execute, rodata read-only,
 * the rest read+write. The .init group is given back to the heap after boot.
 */
#include "arch/x86/layout.h"

/* Needed only at start, most of it to unpack domain 0's kernel. */
#define LIBRARIES *liblzma.a:* *libzstd.a:* *libz.a:*
#define BOOT_ONLY                                                              \
    LIBRARIES *domain?loader?*.o *arch?x86?spec_policy.c.o                     \
    *arch?x86?spec_options.c.o
/* Their zeroed data is aligned to pages: last, so that no gap comes before. */
#define WHOLE_PAGES *head.S.o *arch?x86?traps.c.o

OUTPUT_FORMAT(elf64-x86-64)
ENTRY(_start32)

SECTIONS
{
    . = IMAGE_START + IMAGE_PHYS;
    _image_start = .;
    _text_start = .;
    .text : {
        KEEP(*(.multiboot))
        *(.text.entry)
        *(EXCLUDE_FILE(BOOT_ONLY) .text EXCLUDE_FILE(BOOT_ONLY) .text.*)
    } = 0x9090
    . = ALIGN(4096);
    /*
     * All code that runs while a guest's split page tables are loaded; its
     * second page, with the SYSCALL stub, is mapped into every CPU area.
     */
    .text.entry : {
        _entry_start = .;
        KEEP(*(.entry.vectors))
        . = ALIGN(4096);
        _stub_page = .;
        KEEP(*(.entry.stub))
        *(.entry.text)
        . = ALIGN(4096);
    }
    _text_end = .;
    ASSERT(_text_end - _stub_page == 4096, "entry code outgrew the stub page")

    _rodata_start = .;
    .rodata : {
        *(SORT_BY_ALIGNMENT(EXCLUDE_FILE(BOOT_ONLY) .rodata)
          SORT_BY_ALIGNMENT(EXCLUDE_FILE(BOOT_ONLY) .rodata.*))
        . = ALIGN(8);
        _ex_table_start = .;
        KEEP(*(.ex_table))
        _ex_table_end = .;
        _smap_patch_start = .;
        KEEP(*(.smap_patch))
        _smap_patch_end = .;
        _xpti_patch_start = .;
        KEEP(*(.xpti_patch))
        _xpti_patch_end = .;
        . = ALIGN(8);
        domain_hooks_start = .;
        KEEP(*(.domain_hooks))
        domain_hooks_end = .;
        schedulers_start = .;
        KEEP(*(.scheduler))
        schedulers_end = .;
        keyhandlers_start = .;
        KEEP(*(.keyhandler))
        keyhandlers_end = .;
        . = ALIGN(16);
        KEEP(*(.symbols))
        *(.got .got.plt EXCLUDE_FILE(BOOT_ONLY) .data.rel.ro EXCLUDE_FILE(BOOT_ONLY) .data.rel.ro.*)
    }
    . = ALIGN(4096);
    _rodata_end = .;

    _init_start = .;
    .init : {
        *(.init.text .init.text.*)
        *(EXCLUDE_FILE(LIBRARIES) .text EXCLUDE_FILE(LIBRARIES) .text.*)
        unpacking_libraries = .;
        *(.text .text.*)
        . = ALIGN(4096);
        _init_data_start = .;
        *(.init.data .init.data.* .init.rodata*)
        *(.rodata .rodata.* .data.rel.ro .data.rel.ro.*)
        . = ALIGN(8);
        params_start = .;
        KEEP(*(.init.param))
        params_end = .;
        spec_patches_start = .;
        KEEP(*(.init.spec_patch))
        spec_patches_end = .;
        . = ALIGN(8); /* patches take 12 bytes */
        hypercalls_start = .;
        KEEP(*(.init.hypercall))
        hypercalls_end = .;
    }
    . = ALIGN(4096);
    _init_end = .;

    _data_start = .;
    .data : { *(.data .data.*) }
    . = ALIGN(64);
    _load_end = .;
    .bss : {
        *(EXCLUDE_FILE(WHOLE_PAGES) .bss EXCLUDE_FILE(WHOLE_PAGES) .bss.*)
        *(COMMON)
    }
    .bss.pages : { *(.bss .bss.*) }
    . = ALIGN(4096);
    _image_end = .;

    /* Per-CPU variables: their addresses are offsets in the CPU area. */
    .percpu CPU_AREA_PERCPU (NOLOAD) : {
        percpu_start = .;
        *(.percpu.first)
        *(.percpu)
        percpu_end = .;
    }
    ASSERT(percpu_pcpu == CPU_AREA_PERCPU, "entry code expects pcpu first")
    ASSERT(percpu_end - percpu_start <= CPU_AREA_PERCPU_SIZE, "per-CPU variables too big")

    _load_size = ABSOLUTE(_image_end - _image_start);
    _entry_offset = ABSOLUTE(_start32 - _image_start);

    .debug_info 0 : { *(.debug_info) }
    .debug_abbrev 0 : { *(.debug_abbrev) }
    .debug_line 0 : { *(.debug_line) }
    .debug_line_str 0 : { *(.debug_line_str) }
    .debug_str 0 : { *(.debug_str) }
    .debug_str_offsets 0 : { *(.debug_str_offsets) }
    .debug_addr 0 : { *(.debug_addr) }
    .debug_aranges 0 : { *(.debug_aranges) }
    .debug_ranges 0 : { *(.debug_ranges) }
    .debug_rnglists 0 : { *(.debug_rnglists) }
    .debug_loclists 0 : { *(.debug_loclists) }
    .debug_loc 0 : { *(.debug_loc) }
    /DISCARD/ : { *(.comment .note .note.* .eh_frame .eh_frame_hdr .discard) }
}
