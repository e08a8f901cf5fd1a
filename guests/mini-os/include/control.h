/* The toolstack's orders through xenstore. */
#ifndef CONTROL_H
#define CONTROL_H

/*
 * Starts the thread that obeys control/shutdown (poweroff, halt, reboot,
 * suspend) and memory/target. Nothing happens where there is no xenstore.
 */
void control_start(void);

#endif
