/* What a trace file tells. */
#ifndef XENO_TRACE_REPORT_H
#define XENO_TRACE_REPORT_H

/* Prints shares, wake-up latencies and hypercalls. The exit status. */
int trace_report(const char *file);
/* The ABI's name of a hypercall, or "hypercall N" (overwritten next time). */
const char *hypercall_name(unsigned nr);

#endif
