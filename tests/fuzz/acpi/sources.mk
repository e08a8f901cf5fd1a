FUZZERS += fuzz_acpi
fuzz_acpi_SRCS := acpi/fuzz_acpi.c ../unit/acpi/memory.c \
                  ../../hypervisor/arch/x86/acpi_tables.c
fuzz_acpi_SEEDS := sh acpi/seeds.sh
