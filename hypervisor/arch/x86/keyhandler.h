/*
 * Debug keys: what the operator can type once console input is switched to the
 * hypervisor, or dom0 can send with the debug-keys call.
 *
 *     static void dump_queues(char key) { ... }
 *     KEYHANDLER('q', dump_queues, "dump run queues");
 *
 * Handlers run on CPU 0 from a softirq, interrupts on, no locks held.
 */
#ifndef ARCH_X86_KEYHANDLER_H
#define ARCH_X86_KEYHANDLER_H

#include "lib/compiler.h"
#include "lib/types.h"

struct keyhandler {
    void (*fn)(char key);
    const char *text;
    char key;
};

#define KEYHANDLER_CAT2_(a, b) a##b
#define KEYHANDLER_CAT_(a, b) KEYHANDLER_CAT2_(a, b)
#define KEYHANDLER(k, f, t)                                                    \
    static const struct keyhandler KEYHANDLER_CAT_(key_, __LINE__) __used      \
        __section(".keyhandler") __aligned(8) = {f, t, k}

/* Runs the key's handler now. False: nothing is bound to it. */
bool keyhandler_run(char key);
/* From interrupts: runs it soon. */
void keyhandler_queue(char key);
void keyhandler_init(void);

#endif
