/* Threads: round robin, a turn ends at a timer interrupt. */
#include <mini-os.h>

#define STACK_SIZE 8192UL

struct thread {
    u64 rsp;
    struct thread *next;    /* ring of all */
    struct thread *waiting; /* next in the wait queue */
    enum { READY, ASLEEP, WAITING, DEAD } state;
    struct wait_queue *queue; /* where it waits, until it is woken */
    u64 wake_ns, turns;
    const char *name;
};

static struct thread boot_thread = {.name = "main"}, *current, *idle;
static int want_switch;
static u64 ticks, switches;

static void reap(void)
{
    struct thread *t = current, *dead;

    while (t->next != current) {
        dead = t->next;
        if (dead->state == DEAD) {
            t->next = dead->next;
            release(dead);
        } else {
            t = dead;
        }
    }
}

/* irqs off. The idle thread runs if no other is ready. */
static void schedule(void)
{
    struct thread *from = current, *to = current->next;

    want_switch = 0;
    while (to != from && (to->state != READY || to == idle))
        to = to->next;
    if (to->state != READY)
        to = idle;
    to->turns++;
    if (to == from)
        return;
    switches++;
    current = to;
    switch_stack(&from->rsp, to->rsp);
    reap();
}

static void idle_loop(void *arg)
{
    (void)arg;
    for (;;) {
        irq_off();
        schedule();
        ops.idle();
    }
}

void sched_init(void)
{
    current = boot_thread.next = &boot_thread;
    idle = thread_create("idle", idle_loop, NULL);
    if (!idle)
        panic("no memory for the idle thread");
}

struct thread *thread_create(const char *name, void (*fn)(void *), void *arg)
{
    struct thread *t = alloc(sizeof(*t) + STACK_SIZE);
    u64 *sp;
    int state;

    if (!t)
        return NULL;
    memset(t, 0, sizeof(*t));
    t->name = name;
    sp = (u64 *)(((u64)t + sizeof(*t) + STACK_SIZE) & ~15UL) - 8;
    memset(sp, 0, 64);
    sp[3] = (u64)arg; /* r12 */
    sp[5] = (u64)fn;  /* rbx */
    sp[6] = (u64)thread_first;
    t->rsp = (u64)sp;
    state = irq_save();
    t->next = current->next;
    current->next = t;
    irq_restore(state);
    return t;
}

void thread_exit(void)
{
    irq_off();
    current->state = DEAD;
    schedule();
    panic("a dead thread runs");
}

void yield(void)
{
    int state = irq_save();

    schedule();
    irq_restore(state);
}

void sleep_ms(u64 ms)
{
    int state = irq_save();

    current->wake_ns = ops.time_ns() + ms * 1000000;
    current->state = ASLEEP;
    schedule();
    irq_restore(state);
}

void sched_tick(void)
{
    u64 now = ops.time_ns();
    struct thread *t = current;

    ticks++;
    want_switch = 1;
    do {
        if ((t->state == ASLEEP || t->state == WAITING) && t->wake_ns <= now)
            t->state = READY;
        t = t->next;
    } while (t != current);
}

void sched_after_interrupt(void)
{
    if (want_switch)
        schedule();
}

static void leave_queue(struct thread *t)
{
    struct thread **at = &t->queue->first;

    while (*at != t)
        at = &(*at)->waiting;
    *at = t->waiting;
    t->queue = NULL;
}

int wait_until(struct wait_queue *q, u64 deadline_ns)
{
    struct thread **end = &q->first;

    while (*end)
        end = &(*end)->waiting;
    *end = current;
    current->waiting = NULL;
    current->queue = q;
    current->wake_ns = deadline_ns;
    current->state = WAITING;
    schedule();
    if (!current->queue)
        return 1;
    leave_queue(current);
    return 0;
}

void wait_on(struct wait_queue *q) { wait_until(q, ~0UL); }

void wake_one(struct wait_queue *q)
{
    int state = irq_save();
    struct thread *t = q->first;

    if (t) {
        leave_queue(t);
        t->state = READY;
    }
    irq_restore(state);
}

void wake_all(struct wait_queue *q)
{
    int state = irq_save();

    while (q->first)
        wake_one(q);
    irq_restore(state);
}

void sem_down(struct semaphore *s)
{
    int state = irq_save();

    while (s->count <= 0)
        wait_on(&s->queue);
    s->count--;
    irq_restore(state);
}

void sem_up(struct semaphore *s)
{
    int state = irq_save();

    s->count++;
    wake_one(&s->queue);
    irq_restore(state);
}

void mutex_lock(struct mutex *m)
{
    int state = irq_save();

    while (m->owner)
        wait_on(&m->queue);
    m->owner = current;
    irq_restore(state);
}

int mutex_unlock(struct mutex *m)
{
    int state = irq_save(), ret = -1;

    if (m->owner == current) {
        m->owner = NULL;
        wake_one(&m->queue);
        ret = 0;
    }
    irq_restore(state);
    return ret;
}

u64 tick_count(void) { return ticks; }
u64 switch_count(void) { return switches; }

void list_threads(void)
{
    static const char *const words[] = {"ready", "asleep", "waiting", "dead"};
    const struct thread *t = current;

    do {
        print("%-10s %-8s %lu turns\n", t->name, words[t->state], t->turns);
        t = t->next;
    } while (t != current);
}
