#include "arch/x86/keyhandler.h"

#include "arch/x86/boot.h"
#include "arch/x86/timer.h"
#include "lib/printk.h"

extern const struct keyhandler keyhandlers_start[], keyhandlers_end[];

/* Filled by CPU 0's console interrupt, emptied by CPU 0's timer softirq. */
static char queue[16];
static unsigned head, tail;
static struct timer queue_timer;

bool keyhandler_run(char key)
{
    for (const struct keyhandler *k = keyhandlers_start; k < keyhandlers_end;
         k++)
        if (k->key == key) {
            printk("'%c' pressed -> %s\n", key, k->text);
            k->fn(key);
            return true;
        }
    return false;
}

static void run_queue(void *unused)
{
    (void)unused;
    while (tail != READ_ONCE(head)) {
        char key = queue[tail % sizeof(queue)];

        WRITE_ONCE(tail, tail + 1);
        if (!keyhandler_run(key) && key > ' ' && key < 127)
            printk("Key '%c' does nothing; 'h' shows the list\n", key);
    }
}

void keyhandler_queue(char key)
{
    if (head - READ_ONCE(tail) == sizeof(queue))
        return;
    queue[head % sizeof(queue)] = key;
    WRITE_ONCE(head, head + 1);
    timer_set(&queue_timer, now());
}

void keyhandler_init(void)
{
    timer_init(&queue_timer, run_queue, NULL, 0);
}

static void key_help(char key)
{
    (void)key;
    printk("Debug keys:\n");
    for (const struct keyhandler *k = keyhandlers_start; k < keyhandlers_end;
         k++)
        printk("  %c  %s\n", k->key, k->text);
}
KEYHANDLER('h', key_help, "show this list");

static void key_reboot(char key)
{
    (void)key;
    printk("Reboot by debug key\n");
    machine_reboot();
}
KEYHANDLER('R', key_reboot, "reboot the machine");
