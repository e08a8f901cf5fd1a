timers_SRCS := timers/main.c timers/test_heap.c timers/test_rtc.c \
               $(addprefix ../../hypervisor/arch/x86/,timer_heap.c rtc_time.c)
