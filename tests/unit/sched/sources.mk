sched_SRCS := $(addprefix sched/,main.c sim.c test_rr.c test_place.c \
                test_runq.c test_bvt.c test_atropos.c test_admit.c) \
              $(addprefix ../../hypervisor/sched/,rr.c place.c runq.c bvt.c \
                atropos.c admit.c)
sched_CFLAGS := -iquote sched/shim
