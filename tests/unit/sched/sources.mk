sched_SRCS := sched/main.c sched/sim.c sched/test_rr.c sched/test_place.c \
              $(addprefix ../../hypervisor/sched/,rr.c place.c)
sched_CFLAGS := -iquote sched/shim
