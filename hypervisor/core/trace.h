/*
 * Trace points: what happened when, for whoever asks (docs/tracing.md). One
 * that nobody asked for costs a test. Events and records: <xeno/xeno.h>.
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/vcpu.h"
#include "lib/compiler.h"
#include <xeno/xeno.h>

/* The events that are wanted: 1 << XENO_TRACE_... */
extern uint32_t trace_events;

/* ---- Provided by domain (trace.c) ---- */
/* Any context but NMI. */
void trace_put(unsigned event, const struct vcpu *v, uint64_t a, uint64_t b);
uint32_t trace_name(const struct vcpu *v); /* as in a record */

static inline void trace(unsigned event, const struct vcpu *v, uint64_t a,
                         uint64_t b)
{
    if (unlikely(READ_ONCE(trace_events) & 1u << event))
        trace_put(event, v, a, b);
}

/*
 * Called when hypercalls begin or cease to be wanted: the table that they go
 * through is another then, so that they cost nothing when they are not.
 * Provided by pv (hypercall_trace.c).
 */
void hypercall_trace(bool on);

#endif
