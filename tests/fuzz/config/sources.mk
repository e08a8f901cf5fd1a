FUZZERS += fuzz_config
fuzz_config_SRCS := config/fuzz_config.c $(addprefix ../../tools/xeno/,cfg.c \
                    guest.c spec.c) ../../tools/libxeno/uuid.c
fuzz_config_CFLAGS := -D_GNU_SOURCE -I../../tools/include -I../../tools/xeno -I../../include
fuzz_config_SEEDS := sh config/seeds.sh
