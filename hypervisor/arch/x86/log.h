/*
 * The ring that keeps the last 16 KiB of the hypervisor's messages. Positions
 * count all bytes ever written, modulo 2^32. Pure but for its lock, which is
 * the console's.
 */
#ifndef ARCH_X86_LOG_H
#define ARCH_X86_LOG_H

#include "lib/types.h"

#define LOG_SIZE 16384u /* a power of 2 */

/* Console lock held (console.c is the only caller). */
void log_put(const char *s, size_t n);

/*
 * Copies at most n bytes from position *pos on and moves *pos behind them.
 * A position that is no longer, or not yet, in the ring becomes the oldest
 * one. Gives the bytes copied; 0 at the end. (sysctl readconsole: pos =
 * incremental ? op->index : log_oldest(); read; op->index = pos.)
 */
size_t log_read(uint32_t *pos, char *buf, size_t n);
uint32_t log_oldest(void);
/* Forgets everything before pos. */
void log_clear(uint32_t pos);

#endif
