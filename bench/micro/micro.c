/* The rounds, the median, and the list of all operations. */
#include "micro.h"
const char test_title[] = "microbenchmarks";

static const struct bench *const groups[] = {
    call_benches,  cpu_benches,   bounce_benches, mmu_benches,
    table_benches, event_benches, grant_benches,  memory_benches,
    domain_benches,
};
static uint64_t samples[MAX_ROUNDS];
static uint64_t overhead, user_overhead;

USER_OP(user_empty, "");

#define USER_SAMPLES 0x600000UL
static uint32_t *user_samples; /* the page at USER_SAMPLES */

void use_trap(unsigned vector, const void *handler)
{
    struct trap_info t[2] = {
        {vector, vector == 3 ? 3 : 0, FLAT_KERNEL_CS, (unsigned long)handler},
    };
    long ret = hypercall1(__HYPERVISOR_set_trap_table, t);

    if (ret)
        error("set_trap_table gave %ld", ret);
}

unsigned long spare_mfn(unsigned i)
{
    return pfn_to_mfn(start_info->nr_pages - 1 - i);
}

uint64_t window_entry(unsigned i)
{
    static bool made;

    if (!made && kernel_map(WINDOW, 0))
        error("the window has no table");
    made = true;
    return entry_maddr(kernel_l4_mfn(), WINDOW + i * PAGE_SIZE, 1);
}

static void sort(uint64_t *v, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        uint64_t x = v[i];
        unsigned j = i;

        for (; j && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

static void call(void (*fn)(void))
{
    if (fn)
        fn();
}

/* One round; 0, or what the operation gave. */
static long one_round(const struct bench *b, uint64_t *count)
{
    long ret;

    call(b->pre);
    *count = timed(b->op, &ret);
    call(b->post);
    return ret;
}

static void run_snippet(const struct bench *b, unsigned rounds)
{
    /* RSI starts as 0 in user mode: the snippet's count goes in with RDI. */
    static char code[512];
    const char load[] = {(char)0xbe, (char)rounds, 0, 0, 0};
    size_t size = (size_t)(b->user_end - b->user);
    struct trap_frame f;

    if (size > sizeof(code) - 64)
        error("%s is too long", b->name);
    memset(code, 0x90, 64);
    memcpy(code, load, sizeof(load));
    memcpy(code + 64, b->user, size);
    run_user(code, size + 64, USER_SAMPLES, &f);
    if (f.vector != 3)
        error("%s ended with trap %lu", b->name, f.vector);
}

static long all_rounds(const struct bench *b, unsigned rounds)
{
    uint64_t count;
    long ret = 0;

    if (b->user) {
        run_snippet(b, WARM_UP);
        run_snippet(b, rounds);
        for (unsigned i = 0; i < rounds; i++)
            samples[i] = user_samples[i];
        return 0;
    }
    for (unsigned i = 0; i < (rounds < WARM_UP ? 1 : WARM_UP) && !ret; i++)
        ret = one_round(b, &count);
    for (unsigned i = 0; i < rounds && !ret; i++)
        ret = one_round(b, &samples[i]);
    return ret;
}

/* Once more, for a debugger; several times, as an interrupt may fall in. */
static void traced_round(const struct bench *b)
{
    if (b->user) {
        trace_begin(b->name, true);
        run_snippet(b, 1);
        trace_end();
        return;
    }
    call(b->pre);
    trace_begin(b->name, false);
    b->op();
    trace_end();
    call(b->post);
}

static void traced_rounds(const struct bench *b)
{
    for (unsigned i = 0; i < (b->rounds ? 1 : 3); i++)
        traced_round(b);
}

static void back_to_default(const struct bench *b)
{
    call(b->done);
    hypercall1(__HYPERVISOR_set_trap_table, trap_gates);
    set_callbacks(event_callback, failsafe_callback, syscall_callback);
}

static uint64_t less(uint64_t count, const struct bench *b)
{
    uint64_t base = b->user ? user_overhead : overhead;

    return count > base ? count - base : 0;
}

static void run(const struct bench *b)
{
    unsigned rounds = b->rounds ? b->rounds : ROUNDS;
    long ret = -ENOSYS;

    if (!b->setup || b->setup())
        ret = all_rounds(b, rounds);
    if (!ret)
        traced_rounds(b);
    back_to_default(b);
    if (ret) {
        print("BENCH-SKIP %s %ld", b->name, ret);
        return;
    }
    sort(samples, rounds);
    print("BENCH %s %lu %lu %u", b->name, less(samples[rounds / 2], b),
          less(samples[0], b), b->units ? b->units : 1);
}

static void calibrate(void)
{
    static const struct bench empty = {.name = "empty", .op = empty_op};
    static const struct bench user = {.name = "user_empty",
                                      .user = user_empty,
                                      .user_end = user_empty_end};

    all_rounds(&empty, ROUNDS);
    sort(samples, ROUNDS);
    overhead = samples[ROUNDS / 2];
    all_rounds(&user, ROUNDS);
    sort(samples, ROUNDS);
    user_overhead = samples[ROUNDS / 2];
}

/* That the counter counts instructions: a thousand of them. */
static long thousand_nops(void)
{
    __asm__ volatile(".rept 1000; nop; .endr");
    return 0;
}

static void check_counter(void)
{
    static const struct bench nops = {.name = "nops", .op = thousand_nops};

    all_rounds(&nops, ROUNDS);
    sort(samples, ROUNDS);
    if (samples[ROUNDS / 2] - overhead != 1000)
        error("a thousand instructions count as %lu",
              samples[ROUNDS / 2] - overhead);
}

/* The kernel's command line may name the only operation to run. */
static bool wanted(const struct bench *b)
{
    const char *line = (const char *)start_info->cmd_line;

    return !*line || strstr(line, b->name) != NULL;
}

static void quiet_machine(void)
{
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
    user_samples = alloc_page();
    if (user_map(USER_SAMPLES, PTE(virt_to_mfn(user_samples), DATA)))
        error("no page for samples");
}

void test_main(void)
{
    quiet_machine();
    calibrate();
    check_counter();
    for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)
        for (const struct bench *b = groups[g]; b->name; b++)
            if (wanted(b))
                run(b);
}
