/* Tests of the instruction decoder and of what is emulated with it. */
#ifndef INSN_T_H
#define INSN_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

int run_decode_tests(void);
int run_rmw_tests(void);

#endif
