/*
 * Agreement on the time between the boot CPU, or one that agrees with it, and
 * one that comes up: both call their half at about the same time, the
 * secondary before it is online. If the two TSCs differ by more than the
 * exchange can blur, the secondary's timebase is set off by the difference.
 */
#ifndef ARCH_X86_TIMESYNC_H
#define ARCH_X86_TIMESYNC_H

void timesync_boot_cpu(void);
void timesync_secondary(void);

#endif
