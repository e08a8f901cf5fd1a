acpi_SRCS := acpi/test_acpi.c acpi/memory.c \
             ../../hypervisor/arch/x86/acpi_tables.c
