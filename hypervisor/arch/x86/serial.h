/* 16550 serial ports, polled output. */
#ifndef ARCH_X86_SERIAL_H
#define ARCH_X86_SERIAL_H

#include "lib/types.h"

#define SERIAL_PORTS 2

/* Sets the port (0 = com1) up as options say. False: there is none. */
bool serial_init(unsigned port);
/* Waits for room, but not for ever. */
void serial_putc(unsigned port, char c);
/* Input by interrupt, or polled 50 times a second if the port has no irq. */
void serial_start_input(unsigned port);
/* I/O ports [base, base + 8) of a port in use; 0: not in use. */
uint16_t serial_iobase(unsigned port);

#endif
