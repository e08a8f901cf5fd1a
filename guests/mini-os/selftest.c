/* The self-test; it reports as the guest test suite's kernels do. */
#include <apps.h>
#include <xenbus.h>

static unsigned failures;

void expect(int good, const char *what)
{
    print("# %s: %s\n", what, good ? "yes" : "NO");
    failures += !good;
}

/* Bytes at a call site: cli on the bare machine, Xen's mask byte otherwise. */
static void test_patches(void)
{
    const u8 *site = sample_site();

    expect(site[0] == (ops.ident == IDENT_XEN ? 0x65 : 0xfa),
           "call sites are patched for this machine");
    print("# site: %02x %02x %02x %02x\n", site[0], site[1], site[2], site[3]);
    irq_off();
    expect(!ops.irq_state(), "interrupts go off");
    irq_on();
    expect(ops.irq_state(), "interrupts go on");
}

static void poke(u64 va) { *(volatile u64 *)va = 0x1234; }

static void undefined(u64 arg)
{
    (void)arg;
    __asm__ __volatile__("ud2");
}

static void breakpoint(u64 arg)
{
    (void)arg;
    __asm__ __volatile__("int3");
}

static void test_traps(void)
{
    expect(run_guarded(undefined, 0) == 6, "invalid opcode is caught");
    expect(run_guarded(breakpoint, 0) == 3, "breakpoint is caught");
    expect(run_guarded(poke, 0x1238) == 14 && last_fault == 0x1238,
           "page fault is caught with its address");
}

static u64 frame_of(const void *page)
{
    return ops.pfn_to_mfn(((u64)page - VIRT_BASE) / PAGE_SIZE) << 12;
}

void test_pages_begin(struct test_pages *t)
{
    t->a = alloc_page();
    t->b = alloc_page();
    t->a[0] = 1;
    t->b[0] = 2;
    t->va = (u64)t->a;
    t->flags = PTE_P | PTE_RW | PTE_AD;
    t->own = frame_of(t->a);
    t->other = frame_of(t->b);
}

void test_pages_end(const struct test_pages *t)
{
    free_page(t->a);
    free_page(t->b);
}

/* One page shown at another's address, then read-only, then back again. */
static void test_tables(void)
{
    struct test_pages t;

    test_pages_begin(&t);
    expect(!ops.set_pte(t.va, t.other | t.flags), "a page is mapped elsewhere");
    ops.flush_page(t.va);
    expect(*(volatile u8 *)t.a == 2, "flush_page shows it");
    ops.set_pte(t.va, t.own | t.flags);
    ops.flush_tlb();
    expect(*(volatile u8 *)t.a == 1, "flush_tlb shows the first again");
    ops.set_pte(t.va, t.own | (t.flags & ~PTE_RW));
    ops.flush_tlb_many(1);
    expect(run_guarded(poke, t.va) == 14, "read-only after flush_tlb_many");
    ops.set_pte(t.va, t.own | t.flags);
    ops.flush_page(t.va);
    test_pages_end(&t);
}

static void test_memory(void)
{
    u64 pages = free_pages(), heap = heap_free();
    void *page = alloc_page(), *p = alloc(100), *q = alloc(3000);

    expect(page && p && q && free_pages() == pages - 1, "memory is given");
    expect(!alloc(~0UL) && !alloc(1UL << 40), "too much is refused");
    free_page(page);
    release(p);
    release(q);
    expect(free_pages() == pages && heap_free() == heap, "and comes back");
}

static volatile u64 counters[2];
static struct mutex lock;
static struct semaphore done, gate;
static struct wait_queue queue;
static volatile u64 inside, clashes, woken;

static u64 switches_before;

static int took_turns(void)
{
    return counters[0] && counters[1] && switch_count() >= switches_before + 5;
}

/* Never yields: both advance only if the timer takes turns. */
static void count(void *arg)
{
    u64 i = (u64)arg, end = time_ns() + 30000000000UL;

    while (!took_turns() && time_ns() < end)
        counters[i]++;
    sem_up(&done);
}

static void clash(void *arg)
{
    unsigned i;

    (void)arg;
    for (i = 0; i < 50; i++) {
        mutex_lock(&lock);
        clashes += inside++;
        yield();
        inside--;
        mutex_unlock(&lock);
    }
    sem_up(&done);
}

static void waiter(void *arg)
{
    (void)arg;
    irq_off();
    sem_up(&gate);
    wait_on(&queue);
    woken++;
    irq_on();
    sem_up(&done);
}

static int run_two(void (*fn)(void *))
{
    return thread_create("one", fn, NULL) &&
           thread_create("two", fn, (void *)1UL);
}

static void test_threads(void)
{
    switches_before = switch_count();
    expect(run_two(count), "two threads start");
    sem_down(&done);
    sem_down(&done);
    expect(took_turns(), "the timer takes turns between them");
    run_two(clash);
    sem_down(&done);
    sem_down(&done);
    expect(!clashes, "a mutex keeps one inside");
    expect(mutex_unlock(&lock) == -1, "only the owner unlocks");
    run_two(waiter);
    sem_down(&gate);
    sem_down(&gate);
    expect(!woken, "waiters wait");
    wake_all(&queue);
    sem_down(&done);
    sem_down(&done);
    expect(woken == 2, "and are woken");
    irq_off();
    expect(!wait_until(&queue, ops.time_ns() + 20000000UL) && !queue.first,
           "a wait ends at its deadline");
    irq_on();
}

static void test_time(void)
{
    u64 begin = time_ns(), ticks = tick_count(), took;

    sleep_ms(50);
    took = time_ns() - begin;
    expect(took >= 50000000UL, "sleep takes its time");
    expect(tick_count() > ticks, "the timer ticks");
    expect(ops.wall_seconds() > 1700000000UL, "the wall clock is after 2023");
}

void test_end(void)
{
    if (failures)
        print("\nTEST FAILURE: mini-os on %s (%u failures)\n", ops.name,
              failures);
    else
        print("\nTEST SUCCESS: mini-os on %s\n", ops.name);
}

void self_test(void)
{
    xenbus_init(); /* takes memory once */
    test_patches();
    test_traps();
    test_memory();
    test_tables();
    test_operations();
    test_time();
    test_threads();
    test_user();
    test_processors();
    test_drivers();
    test_end();
}
