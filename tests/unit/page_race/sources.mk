page_race_SRCS := page_race/main.c page_race/stubs.c \
                  $(addprefix ../../hypervisor/mm/,frame_ref.c page_type.c \
                    page_l1.c page_validate.c page_update.c \
                    descriptor_check.c)
page_race_CFLAGS := -DHOST_SHIM -DDEBUG -fno-sanitize=all -fsanitize=thread \
                    -pthread
