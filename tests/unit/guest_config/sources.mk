guest_config_SRCS := guest_config/main.c $(addprefix ../../tools/xeno/,cfg.c \
                     guest.c spec.c) ../../tools/libxeno/uuid.c
guest_config_CFLAGS := -D_GNU_SOURCE -I../../tools/include -I../../tools/xeno
