/*
 * Logging. A message starts with a level, "\1" and a digit, as in
 * printk(XENLOG_WARNING "bad checksum in %s\n", sig); without one it is a
 * warning. Messages below the threshold (options loglvl=, guest_loglvl=) are
 * dropped. All may be called from any context, with any lock held.
 */
#ifndef LIB_PRINTK_H
#define LIB_PRINTK_H

#include "lib/printf.h"

#define XENLOG_ERR "\1" "0"
#define XENLOG_WARNING "\1" "1"
#define XENLOG_INFO "\1" "2"
#define XENLOG_DEBUG "\1" "3"
/* What a guest provoked: threshold guest_loglvl=, rate-limited. */
#define XENLOG_G_ERR "\1" "4"
#define XENLOG_G_WARNING "\1" "5"
#define XENLOG_G_INFO "\1" "6"
#define XENLOG_G_DEBUG "\1" "7"

/* Provided by arch/x86 (console.c). */
void printk(const char *fmt, ...) __printf(1, 2);
void vprintk(const char *fmt, va_list ap);
/*
 * One clear line on every console, then halts (or reboots after 5 s unless
 * `noreboot`). panic: the hypervisor broke; prints registers and a stack
 * trace. boot_fatal: bad input at boot; prints "FATAL: " and the line only.
 */
void __noreturn panic(const char *fmt, ...) __printf(1, 2);
void __noreturn boot_fatal(const char *fmt, ...) __printf(1, 2);

/* Debug-build message; in release builds it is only type-checked. */
#ifdef DEBUG
#define dprintk(...) printk(XENLOG_DEBUG __VA_ARGS__)
#else
#define dprintk(...)                                                           \
    do {                                                                       \
        if (0)                                                                 \
            printk(XENLOG_DEBUG __VA_ARGS__);                                  \
    } while (0)
#endif

#endif
