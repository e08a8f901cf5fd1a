clock_loop_SRCS := clock_loop/test.c ../../tools/xeno/clock_loop.c
clock_loop_CFLAGS := -I../../tools/xeno
clock_loop_LIBS := -lm
