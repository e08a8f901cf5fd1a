/*
 * Races that no lock prevents: writable references come and go on some CPUs
 * while others make tables and descriptor pages of the same frames. Built with
 * the thread sanitizer: a page that is written while it is a table is a data
 * race, whatever it contains.
 */
#include "race.h"

#include <pthread.h>
#include <stdio.h>

#define ROUNDS    20000
#define BAD_ENTRY (PTE_P | PTE_RW | PTE_G)

static pthread_mutex_t pt_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned wrote, promoted, busy, wrong;

static void count(unsigned *n)
{
    __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

/* A guest on CPU c: writes what no table may contain, and takes it back. */
static void write_page(unsigned c, mfn_t m)
{
    struct frame *f = frame_of(m);
    volatile pte_t *page = map_frame(m);

    if (!frame_get(f, A.id))
        return;
    if (!page_get_type(f, PGT_WRITABLE, &A)) {
        page[c] = BAD_ENTRY;
        page[c] = 0;
        tlb_cache(c, m);
        page_put_writable(f);
        count(&wrote);
    } else {
        count(&busy);
    }
    frame_put(f);
}

static void *writer(void *arg)
{
    unsigned c = *(unsigned *)arg;

    for (unsigned i = 0; i < ROUNDS; i++)
        write_page(c, mfn(i % 2));
    return NULL;
}

static void promote(mfn_t m, uint64_t type)
{
    struct frame *f = frame_of(m);
    int rc;

    pthread_mutex_lock(&pt_lock);
    rc = page_get_and_type(f, type, &A);
    if (!rc) {
        const pte_t *page = map_frame(m);

        if (tlb_holders(m))
            count(&wrong);
        for (unsigned i = 0; i < PTES_PER_TABLE; i++)
            if (page[i])
                count(&wrong);
        if (page_put_and_type(f, &A))
            count(&wrong);
        count(&promoted);
    } else if (rc != -EBUSY) {
        count(&wrong); /* a bad entry was seen */
    }
    pthread_mutex_unlock(&pt_lock);
}

static void *promoter(void *arg)
{
    unsigned c = *(unsigned *)arg;

    for (unsigned i = 0; i < ROUNDS / 4; i++)
        promote(mfn(i % 2), c & 1 ? PGT_L1 : PGT_SEGDESC);
    return NULL;
}

static void run(void *(*even)(void *), void *(*odd)(void *))
{
    static unsigned ids[CPUS];
    pthread_t t[CPUS];

    for (unsigned c = 0; c < CPUS; c++) {
        ids[c] = c;
        assert_int_equal(
            pthread_create(&t[c], NULL, c < 2 ? even : odd, &ids[c]), 0);
    }
    for (unsigned c = 0; c < CPUS; c++)
        assert_int_equal(pthread_join(t[c], NULL), 0);
}

static void writable_against_tables(void **state)
{
    (void)state;
    race_setup();
    run(writer, promoter);
    print_message("%u writes, %u promotions, %u refused writes\n", wrote,
                  promoted, busy);
    assert_int_equal(wrong, 0);
    assert_true(wrote > 0 && promoted > 0);
    for (unsigned m = 0; m < FRAMES; m++) {
        assert_int_equal(frame_ref_count(frame_of(mfn(m))), 1);
        assert_int_equal(page_type_count(frame_of(mfn(m))), 0);
    }
}

static unsigned releases;

static void *getter(void *arg)
{
    struct frame *f = frame_of(mfn(3));

    (void)arg;
    for (unsigned i = 0; i < ROUNDS && frame_get(f, A.id); i++)
        frame_put(f);
    return NULL;
}

static void *releaser(void *arg)
{
    (void)arg;
    for (volatile unsigned i = 0; i < 3000; i++)
        ;
    if (frame_release(frame_of(mfn(3))))
        count(&releases);
    return NULL;
}

/* However many get and put: given up once, freed once, and after that dead. */
static void freed_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        race_setup();
        releases = 0;
        run(getter, releaser);
        assert_int_equal(releases, 1);
        assert_int_equal(last_puts, 1);
        assert_false(frame_get(frame_of(mfn(3)), A.id));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writable_against_tables),
        cmocka_unit_test(freed_once),
    };

    return cmocka_run_group_tests_name("page type races", tests, NULL, NULL);
}
