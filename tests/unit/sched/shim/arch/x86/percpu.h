/* Per-CPU variables on the host: an array of all CPUs'. */
#ifndef ARCH_X86_PERCPU_H
#define ARCH_X86_PERCPU_H

#include "arch/x86/layout.h"
#include "lib/compiler.h"
#include "lib/types.h"

#define DEFINE_PER_CPU(type, name) __typeof__(type) percpu_##name[MAX_CPUS]
#define per_cpu(name, cpu) (percpu_##name[cpu])

#endif
