/* Host replacement: one CPU, whose vCPU the test chooses. */
#ifndef ARCH_X86_PERCPU_H
#define ARCH_X86_PERCPU_H

#include "lib/compiler.h"
#include "lib/types.h"

struct vcpu;
extern struct vcpu *host_current;
#define current host_current

#endif
