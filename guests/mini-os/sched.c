/*
 * Threads: round robin, a turn ends at a timer interrupt. Each processor has a
 * ring of threads of its own, which never leave it. A thread lies at the
 * bottom of its stack, so that the stack pointer tells the thread and thereby
 * the processor. Rings, queues and states change under the kernel's lock.
 */
#include <mini-os.h>

#define STACK_SIZE 8192UL

struct thread {
    u64 rsp;
    struct thread *next;    /* ring of the processor's */
    struct thread *waiting; /* next in the wait queue */
    enum { READY, ASLEEP, WAITING, DEAD } state;
    unsigned cpu;
    struct wait_queue *queue; /* where it waits, until it is woken */
    u64 wake_ns, turns;
    u64 guard;       /* see guard_slot */
    long lock_depth; /* of the kernel's lock, while another runs */
    const char *name;
};

static struct processor {
    struct thread *idle; /* always in the ring */
    int want_switch;
} cpus[MAX_CPUS];
static volatile u64 online = 1;
static u64 ticks, switches;

static struct thread *self(void)
{
    u64 rsp;

    __asm__ __volatile__("movq %%rsp, %0" : "=r"(rsp));
    return (struct thread *)(rsp & ~(STACK_SIZE - 1));
}

unsigned this_cpu(void) { return self()->cpu; }
u64 *guard_slot(void) { return &self()->guard; }

/* ---- the kernel's lock ---- */

static volatile u32 lock_owner; /* processor + 1; 0: free */
static long lock_depth;

void kernel_lock(void)
{
    u32 me = this_cpu() + 1;

    if (lock_owner != me)
        while (__sync_val_compare_and_swap(&lock_owner, 0, me))
            ops.relax();
    lock_depth++;
}

void kernel_unlock(void)
{
    if (--lock_depth)
        return;
    __sync_lock_release(&lock_owner);
}

/* Lets go of it however often it was taken; take_lock_again undoes that. */
static void drop_lock(struct thread *t)
{
    t->lock_depth = lock_depth;
    lock_depth = 1;
    kernel_unlock();
}

static void take_lock_again(const struct thread *t)
{
    kernel_lock();
    lock_depth = t->lock_depth;
}

/* ---- turns ---- */

static void reap(void)
{
    struct thread *t = self(), *dead;

    while (t->next != self()) {
        dead = t->next;
        if (dead->state == DEAD) {
            t->next = dead->next;
            release(dead);
        } else {
            t = dead;
        }
    }
}

/* The next that is ready, or the idle thread if no other is. */
static struct thread *next_thread(struct thread *from)
{
    struct thread *idle = cpus[from->cpu].idle, *to = from->next;

    while (to != from && (to->state != READY || to == idle))
        to = to->next;
    return to->state == READY ? to : idle;
}

/* irqs off, the lock held or not: it is held as often afterwards. */
static void schedule(void)
{
    struct thread *from = self(), *to;

    kernel_lock();
    cpus[from->cpu].want_switch = 0;
    to = next_thread(from);
    to->turns++;
    if (to != from) {
        switches++;
        drop_lock(from);
        switch_stack(&from->rsp, to->rsp);
        take_lock_again(from);
        reap();
    }
    kernel_unlock();
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

/* A thread in no ring yet, which begins in fn(arg). */
static struct thread *make_thread(unsigned cpu, const char *name,
                                  void (*fn)(void *), void *arg)
{
    struct thread *t = alloc_aligned(STACK_SIZE, STACK_SIZE);
    u64 *sp;

    if (!t)
        return NULL;
    memset(t, 0, sizeof(*t));
    t->name = name;
    t->cpu = cpu;
    sp = (u64 *)((u64)t + STACK_SIZE) - 8;
    memset(sp, 0, 64);
    sp[3] = (u64)arg; /* r12 */
    sp[5] = (u64)fn;  /* rbx */
    sp[6] = (u64)thread_first;
    t->rsp = (u64)sp;
    return t;
}

void sched_init(void)
{
    struct thread *main = self();

    main->name = "main";
    main->next = main;
    cpus[0].idle = main; /* until the next line */
    cpus[0].idle = thread_create("idle", idle_loop, NULL);
    if (!cpus[0].idle)
        panic("no memory for the idle thread");
}

struct thread *thread_create_on(unsigned cpu, const char *name,
                                void (*fn)(void *), void *arg)
{
    struct thread *t;
    int state;

    if (!(online >> cpu & 1))
        return NULL;
    t = make_thread(cpu, name, fn, arg);
    if (!t)
        return NULL;
    state = irq_save();
    t->next = cpus[cpu].idle->next;
    cpus[cpu].idle->next = t;
    irq_restore(state);
    return t;
}

struct thread *thread_create(const char *name, void (*fn)(void *), void *arg)
{
    return thread_create_on(this_cpu(), name, fn, arg);
}

/* ---- other processors ---- */

u64 cpus_online(void) { return online; }

/* Up to here the stack was the idle thread's without its being one. */
void secondary_start(void)
{
    ops.set_tss();
    ops.load_traps();
    ops.start_timer();
    __sync_fetch_and_or(&online, 1UL << this_cpu());
    idle_loop(NULL);
}

static int bring_up(unsigned cpu)
{
    struct thread *t;
    u64 end;
    int ret;

    if (cpu >= MAX_CPUS || cpu >= ops.cpu_count() || (online >> cpu & 1))
        return -22;
    t = make_thread(cpu, "idle", NULL, NULL);
    if (!t)
        return -12;
    t->next = cpus[cpu].idle = t;
    ret = ops.start_cpu(cpu, (u64)t + STACK_SIZE - 8);
    if (ret) {
        release(t);
        return ret;
    }
    for (end = time_ns() + 30000000000UL; time_ns() < end; yield())
        if (online >> cpu & 1)
            return 0;
    return -110; /* its stack stays its own: it may come yet */
}

struct mutex machine_lock;

int cpu_up(unsigned cpu)
{
    int ret;

    mutex_lock(&machine_lock);
    ret = bring_up(cpu);
    mutex_unlock(&machine_lock);
    return ret;
}

/* ---- sleep and wakefulness ---- */

void thread_exit(void)
{
    irq_off();
    self()->state = DEAD;
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

    self()->wake_ns = ops.time_ns() + ms * 1000000;
    self()->state = ASLEEP;
    schedule();
    irq_restore(state);
}

void sched_tick(void)
{
    u64 now = ops.time_ns();
    struct thread *t = self();
    int state = irq_save();

    ticks += t->cpu == 0;
    cpus[t->cpu].want_switch = 1;
    do {
        if ((t->state == ASLEEP || t->state == WAITING) && t->wake_ns <= now)
            t->state = READY;
        t = t->next;
    } while (t != self());
    irq_restore(state);
}

void sched_after_interrupt(void)
{
    if (cpus[this_cpu()].want_switch)
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
    struct thread *t = self(), **end = &q->first;
    int woken;

    kernel_lock();
    while (*end)
        end = &(*end)->waiting;
    *end = t;
    t->waiting = NULL;
    t->queue = q;
    t->wake_ns = deadline_ns;
    t->state = WAITING;
    schedule();
    woken = !t->queue;
    if (!woken)
        leave_queue(t);
    kernel_unlock();
    return woken;
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
    m->owner = self();
    irq_restore(state);
}

int mutex_unlock(struct mutex *m)
{
    int state = irq_save(), ret = -1;

    if (m->owner == self()) {
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
    const struct thread *t, *idle;
    unsigned cpu;
    int state = irq_save();

    for (cpu = 0; cpu < MAX_CPUS; cpu++) {
        idle = t = (online >> cpu & 1) ? cpus[cpu].idle : NULL;
        if (!t)
            continue;
        do {
            print("%-10s on %u %-8s %lu turns\n", t->name, t->cpu,
                  words[t->state], t->turns);
            t = t->next;
        } while (t != idle);
    }
    irq_restore(state);
}
