/*
 * The hypervisor's console: serial line and VGA text, shared with dom0.
 *
 * Output (printk, console_write_guest) is polled and goes to all devices named
 * by console= and, for the hypervisor's own, to the log ring (log.h). Before
 * console_init messages only go to the ring and are shown then. Lines of the
 * hypervisor start with "(XENO) " in column 0: an unfinished line of dom0 is
 * ended first.
 *
 * Input goes to dom0, or to the debug keys (keyhandler.h) after the switch
 * character (conswitch=, Ctrl-A) was typed three times; and back.
 */
#ifndef ARCH_X86_CONSOLE_H
#define ARCH_X86_CONSOLE_H

#include "lib/compiler.h"
#include "lib/types.h"

/* Starts input: interrupts and timers must work. */
void console_start_input(void);

/* dom0's text, as it is; "\n" gets its "\r". Any context. */
void console_write_guest(const char *s, size_t n);
/* Takes up to n bytes that were typed for dom0. Gives their number. */
size_t console_read_guest(char *buf, size_t n);
/*
 * Called from interrupt context when there is new input for dom0
 * (VIRQ_CONSOLE). NULL: nobody; input is kept as far as there is room.
 */
extern void (*console_rx_notify)(void);
/* dom0 takes the VGA screen: no more output there. */
void console_release_vga(void);

/* ---- within arch/x86 ---- */
/* A character came in (serial.c); interrupts off. */
void console_rx_char(char c);
/* From now on no lock is waited for: the machine is going down. */
void console_break(void);
/* The final page tables are there. */
void console_remap(void);
/* Shows what the ring holds if console_init has not run yet. */
void console_emergency_init(void);

#endif
