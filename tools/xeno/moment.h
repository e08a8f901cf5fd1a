/* The passing of time, and being told to end. */
#ifndef XENO_MOMENT_H
#define XENO_MOMENT_H

#include <stdbool.h>

/* Seconds since some moment; settings of the clock do not change it. */
double moment_now(void);
/* From now on SIGINT and SIGTERM only make moment_ended() true. */
void moment_catch_end(void);
bool moment_ended(void);

#endif
