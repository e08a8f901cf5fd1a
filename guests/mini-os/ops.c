/*
 * The operations in force: the native ones, over which paravirt_start copies
 * what the hypervisor's table has, and the patching of their call sites.
 */
#include <control.h>
#include <mini-os.h>

struct patch {
    u64 site, length, op, opcode; /* opcode: of a direct call or jump */
};
extern const struct patch patches[], patches_end[];

_Static_assert(offsetof(struct ops, trap_entry) == 80, "OP_TRAP_ENTRY");
_Static_assert(offsetof(struct ops, trap_exit) == 88, "OP_TRAP_EXIT");
_Static_assert(offsetof(struct ops, user_cs) == 24, "OP_USER_CS");
_Static_assert(offsetof(struct ops, user_ss) == 32, "OP_USER_SS");
_Static_assert(offsetof(struct ops, set_kernel_stack) == 120, "OP_SET_...");

static void sample_init(void *boot)
{
    native_init(boot);
    print("the sample hypervisor's init ran\n");
}

/* The least table that a port begins with: all else stays native. */
static const struct ops sample_ops = {
    .ident = IDENT_SAMPLE,
    .name = "the sample hypervisor",
    .init = sample_init,
};

static const struct ops *const tables[] = {&xen_ops, &sample_ops};

static void copy_table(const struct ops *from)
{
    const u64 *src = (const u64 *)(const void *)from;
    u64 *dst = (u64 *)(void *)&ops;
    unsigned i;

    for (i = 0; i < sizeof(ops) / sizeof(u64); i++)
        if (src[i])
            dst[i] = src[i];
}

static const struct ops *find_table(u32 ident)
{
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(tables); i++)
        if (tables[i]->ident == ident)
            return tables[i];
    return NULL;
}

static const struct inline_code *find_inline(u64 op)
{
    const struct inline_code *c = ops.inlined;

    for (; c->length; c++)
        if (c->op == op)
            return c;
    return NULL;
}

static void patch_one(const struct patch *p)
{
    static const u8 nop3[] = {0x0f, 0x1f, 0x00};
    const struct inline_code *c = find_inline(p->op);
    u8 *site = (u8 *)p->site;
    u64 used = 5, target;
    u32 distance;

    if (c && c->length <= p->length) {
        memcpy(site, c->code, c->length);
        used = c->length;
    } else {
        target = *(u64 *)((u64)&ops + p->op);
        distance = (u32)(target - (p->site + 5));
        site[0] = (u8)p->opcode;
        memcpy(site + 1, &distance, sizeof(distance));
    }
    for (; p->length - used >= 3; used += 3)
        memcpy(site + used, nop3, 3);
    memset(site + used, 0x90, p->length - used);
}

void patch_sites(void)
{
    const struct patch *p;

    for (p = patches; p < patches_end; p++)
        patch_one(p);
}

const u8 *sample_site(void)
{
    const struct patch *p;

    for (p = patches; p < patches_end; p++)
        if (p->op == offsetof(struct ops, irq_off))
            return (const u8 *)p->site;
    return NULL;
}

/* ident=N on a bare machine's command line stands for what an entry gives. */
static u32 wanted_ident(u32 ident, void *boot)
{
    const char *at;

    if (ident != IDENT_NATIVE)
        return ident;
    at = strstr(ops.command_line(boot), "ident=");
    return at ? (u32)strtoul(at + 6, NULL, 0) : ident;
}

static char boot_line[1024]; /* a copy: a loader's lies in free memory */

const char *option(const char *word, size_t *len)
{
    size_t n = strlen(word);
    const char *p = boot_line;

    while ((p = strstr(p, word)) != NULL) {
        if ((p == boot_line || p[-1] == ' ') && p[n] == '=') {
            for (*len = 0, p += n + 1; p[*len] && p[*len] != ' ';)
                ++*len;
            return p;
        }
        p++;
    }
    return NULL;
}

static u64 entered;

u64 entry_cycles(void) { return entered; }

void paravirt_start(u32 ident, void *boot)
{
    const struct ops *table;

    entered = native_cycles();
    ident = wanted_ident(ident, boot);
    if (ident != IDENT_NATIVE) {
        table = find_table(ident);
        if (!table)
            panic("no operations for hypervisor ident %#x", ident);
        copy_table(table);
    }
    patch_sites();
    snprintf(boot_line, sizeof(boot_line), "%s", ops.command_line(boot));
    ops.init(boot);
    ops.set_tss();
    ops.load_traps();
    mm_init();
    sched_init();
    ops.start_timer();
    irq_on();
    control_start();
    run_application();
    stop(STOP_OFF);
}

void irq_on(void) { OP_SITE(irq_on); }
void irq_off(void) { OP_SITE(irq_off); }
void nothing(void) {}

int irq_save(void)
{
    int state = ops.irq_state();

    irq_off();
    kernel_lock();
    return state;
}

void irq_restore(int state)
{
    kernel_unlock();
    if (state)
        irq_on();
}

u64 read_tsc(void) { return ops.cycles(); }

u64 time_ns(void)
{
    int state = irq_save();
    u64 now = ops.time_ns();

    irq_restore(state);
    return now;
}

void stop(enum stop why)
{
    irq_off();
    for (;;)
        ops.stop(why);
}
