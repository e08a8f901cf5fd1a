/*
 * A plugin of QEMU that counts instructions: how many had been executed when
 * one of the named addresses was reached. Idle time has none, so waiting does
 * not count; under -icount a run repeats, and so do the figures.
 *
 *   -plugin count.so,out=FILE,at=NAME:ADDRESS...[,profile=N]
 *
 * Each visit of an address gives a line "NAME USER GUEST KERNEL HYPERVISOR",
 * the instructions so far by where they lie in the address space. With
 * profile=N, what is executed from visit N of the first address to the next
 * visit of any is written as lines "ADDRESS COUNT", a line a basic block.
 *
 * Debian has no header for plugins; what is needed of the interface (version
 * 1) is declared here.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_info;
typedef void (*tb_callback)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*insn_callback)(unsigned int cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_callback cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            insn_callback cb, int flags,
                                            void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
                                                int op, void *ptr,
                                                uint64_t n);
int qemu_plugin_install(uint64_t id, const struct qemu_plugin_info *info,
                        int argc, char **argv);
extern int qemu_plugin_version;

int qemu_plugin_version = 1;

enum { NO_REGISTERS = 0, ADD_U64 = 0 };
enum region { USER, GUEST, KERNEL, HYPERVISOR, REGIONS };

#define MAX_PLACES 16
#define BUCKETS (1u << 20)

static struct place {
    char name[32];
    uint64_t address;
} places[MAX_PLACES];
static unsigned int nr_places;
static uint64_t counts[REGIONS];
static FILE *out;

/* Executed instructions by block; only with profile=. */
static struct bucket {
    uint64_t address, count;
} *buckets;
static unsigned long visits, profiled;

/* Linux lies in the uppermost 2 GiB behind the sample guest, and below it its
 * modules and data; a hypervisor has the ABI's hole, ffff8000 to ffff87ff. */
static enum region region_of(uint64_t address)
{
    if (address < 1ull << 63)
        return USER;
    if (address < 0xffff880000000000)
        return HYPERVISOR;
    if (address >= 0xffffffff80000000 && address < 0xffffffff81000000)
        return GUEST;
    return KERNEL;
}

static struct bucket *bucket_of(uint64_t address)
{
    uint64_t i = address * 0x9e3779b97f4a7c15 >> 44;

    while (buckets[i].address && buckets[i].address != address)
        i = (i + 1) % BUCKETS;
    buckets[i].address = address;
    return &buckets[i];
}

static void dump_profile(void)
{
    for (unsigned int i = 0; i < BUCKETS; i++)
        if (buckets[i].count)
            fprintf(out, "%" PRIx64 " %" PRIu64 "\n", buckets[i].address,
                    buckets[i].count);
    buckets = NULL; /* leaked: translated code still counts there */
}

static void profile(const struct place *p)
{
    if (p == places && ++visits == profiled)
        for (unsigned int i = 0; i < BUCKETS; i++)
            buckets[i].count = 0;
    else if (visits >= profiled)
        dump_profile();
}

static void reached(unsigned int cpu, void *data)
{
    const struct place *p = data;

    (void)cpu;
    fprintf(out, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
            p->name, counts[USER], counts[GUEST], counts[KERNEL],
            counts[HYPERVISOR]);
    if (buckets)
        profile(p);
    fflush(out);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    struct bucket *b = NULL;

    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(insn);

        qemu_plugin_register_vcpu_insn_exec_inline(
            insn, ADD_U64, &counts[region_of(address)], 1);
        if (buckets && !b)
            b = bucket_of(address);
        if (b)
            qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64,
                                                       &b->count, 1);
        for (unsigned int k = 0; k < nr_places; k++)
            if (places[k].address == address)
                qemu_plugin_register_vcpu_insn_exec_cb(
                    insn, reached, NO_REGISTERS, &places[k]);
    }
}

static bool add_place(const char *s)
{
    struct place *p = &places[nr_places];

    if (nr_places == MAX_PLACES ||
        sscanf(s, "%31[^:]:%" SCNx64, p->name, &p->address) != 2)
        return false;
    nr_places++;
    return true;
}

static bool argument(const char *s)
{
    if (!strncmp(s, "out=", 4))
        return (out = fopen(s + 4, "w")) != NULL;
    if (!strncmp(s, "at=", 3))
        return add_place(s + 3);
    if (strncmp(s, "profile=", 8))
        return false;
    profiled = strtoul(s + 8, NULL, 10);
    buckets = calloc(BUCKETS, sizeof(*buckets));
    return buckets != NULL;
}

int qemu_plugin_install(uint64_t id, const struct qemu_plugin_info *info,
                        int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (!argument(argv[i])) {
            fprintf(stderr, "count: bad argument '%s'\n", argv[i]);
            return -1;
        }
    if (!out)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
