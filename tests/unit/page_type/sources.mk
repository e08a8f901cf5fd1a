page_type_SRCS := $(addprefix page_type/,main.c world.c tlb_model.c \
                    test_refs.c test_types.c test_l1.c test_tree.c \
                    test_preempt.c test_update.c test_pin.c test_desc.c \
                    test_tlb.c test_audit.c test_random.c test_explore.c) \
                  $(addprefix ../../hypervisor/mm/,frame_ref.c page_type.c \
                    page_l1.c page_validate.c page_update.c page_audit.c \
                    descriptor_check.c)
page_type_CFLAGS := -DHOST_SHIM -DDEBUG
