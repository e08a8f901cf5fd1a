# channel.c is included by world.c: its hypercall handlers are static.
event_SRCS := $(addprefix event/,main.c world.c test_two_level.c test_ops.c \
                test_fifo.c test_fifo_race.c test_pirq.c) \
              $(addprefix ../../hypervisor/event/,bind.c close.c fifo.c \
                pirq.c poll.c port_table.c two_level.c virq.c) \
              ../../hypervisor/lib/rangeset.c
event_CFLAGS := -DHOST_SHIM -iquote event/shim
event_LIBS := -lpthread
