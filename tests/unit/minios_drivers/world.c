/* See world.h. */
#include "minios_drivers/world.h"

#include <stdlib.h>
#include <string.h>

#include <balloon.h>
#include <xenbus.h>

#define NODES 64
#define REFS 512
#define FIRST_REF 8

static struct node {
    char path[160], value[160];
    int there;
} nodes[NODES];

static struct {
    void *page; /* null: not in use */
    int readonly, transfer;
    char *gift;
} refs[REFS];

static int (*back_end)(void);
static char front[64];
static unsigned pages, blocks, watches, mapped;
static struct xenbus_watch *watch;
static event_handler handler;
static void *handler_arg;
static u64 now;
static int acting;

char world_output[4096];
const char *world_option;
unsigned world_memory;

/* ---- the test's side ---- */

void world_begin(const char *class, int (*fn)(void))
{
    memset(nodes, 0, sizeof(nodes));
    memset(refs, 0, sizeof(refs));
    pages = blocks = watches = mapped = 0;
    watch = NULL;
    handler = NULL;
    now = 1;
    world_output[0] = 0;
    world_option = NULL;
    world_memory = 1000;
    back_end = fn;
    snprintf(front, sizeof(front), "%s/0", class);
    world_set(front, "backend", BACK);
    world_set(front, "backend-id", "3");
    world_set(BACK, "state", "2");
}

void world_end(void)
{
    unsigned i;

    assert_int_equal(blocks, 0);
    assert_int_equal(watches, 0);
    assert_null(handler);
    for (i = 0; i < REFS; i++)
        assert_null(refs[i].page);
    assert_int_equal(pages, 0);
}

static struct node *find(const char *dir, const char *name)
{
    char path[160];
    unsigned i;

    snprintf(path, sizeof(path), "%s%s%s", dir, name ? "/" : "",
             name ? name : "");
    for (i = 0; i < NODES; i++)
        if (nodes[i].there && !strcmp(nodes[i].path, path))
            return &nodes[i];
    for (i = 0; nodes[i].there; i++)
        assert_true(i + 1 < NODES);
    snprintf(nodes[i].path, sizeof(nodes[i].path), "%s", path);
    return &nodes[i];
}

void world_set(const char *dir, const char *name, const char *value)
{
    struct node *n = find(dir, name);

    n->there = value != NULL;
    snprintf(n->value, sizeof(n->value), "%s", value ? value : "");
}

const char *world_get(const char *dir, const char *name)
{
    struct node *n = find(dir, name);

    return n->there ? n->value : NULL;
}

void world_back_state(unsigned state)
{
    char value[8];

    snprintf(value, sizeof(value), "%u", state);
    world_set(BACK, "state", value);
    if (watch)
        watch->fired++;
}

unsigned world_front_number(const char *name)
{
    const char *value = world_get(front, name);

    return value ? (unsigned)strtoul(value, NULL, 10) : 0;
}

unsigned world_front_state(void) { return world_front_number("state"); }

int world_begins_anew(void)
{
    return world_front_state() == XenbusStateInitialising &&
           !strcmp(world_get(BACK, "state"), "6");
}

unsigned world_grants(void)
{
    unsigned i, n = 0;

    for (i = 0; i < REFS; i++)
        n += refs[i].page != NULL;
    return n;
}

void *world_granted(unsigned ref, int writable)
{
    if (ref >= REFS || refs[ref].transfer || (writable && refs[ref].readonly))
        return NULL;
    return refs[ref].page;
}

void *world_awaits(unsigned ref)
{
    return ref < REFS && refs[ref].transfer ? refs[ref].page : NULL;
}

void world_give(unsigned ref, const void *contents)
{
    assert_non_null(world_awaits(ref));
    assert_null(refs[ref].gift);
    refs[ref].gift = malloc(PAGE_SIZE);
    memcpy(refs[ref].gift, contents, PAGE_SIZE);
}

void world_map_all(int n) { mapped = (unsigned)n; }

void world_event(void)
{
    if (handler)
        handler(1, handler_arg);
}

/* 0: it did nothing. What it sets in motion does not call it again. */
static int act(void)
{
    int did;

    if (acting)
        return 0;
    acting = 1;
    did = back_end();
    acting = 0;
    return did;
}

/* ---- what the front ends call ---- */

long xenbus_read(u32 tx, const char *dir, const char *name, char *buf,
                 size_t size)
{
    const char *value = world_get(dir, name);

    (void)tx;
    if (!value)
        return -XEN_ENOENT;
    if (strlen(value) >= size)
        return -XEN_E2BIG;
    strcpy(buf, value);
    return (long)strlen(value);
}

int xenbus_read_number(u32 tx, const char *dir, const char *name, u64 max,
                       u64 *value)
{
    const char *text = world_get(dir, name);
    char *end;

    (void)tx;
    if (!text)
        return -XEN_ENOENT;
    *value = strtoul(text, &end, 10);
    return *text && !*end && *value <= max ? 0 : -XEN_EINVAL;
}

/* Only ever the class, with one device. */
long xenbus_list(u32 tx, const char *dir, const char *name, char *buf,
                 size_t size)
{
    (void)tx;
    assert_null(name);
    if (strncmp(dir, front, strlen(dir)) || size < 2)
        return -XEN_ENOENT;
    memcpy(buf, "0", 2);
    return 2;
}

int xenbus_write(u32 tx, const char *dir, const char *name, const char *fmt,
                 ...)
{
    char value[128];
    va_list ap;

    (void)tx;
    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    world_set(dir, name, value);
    if (!strcmp(name, "state"))
        act();
    return 0;
}

int xenbus_watch(struct xenbus_watch *w, const char *dir, const char *name,
                 struct wait_queue *queue)
{
    assert_string_equal(dir, BACK);
    assert_string_equal(name, "state");
    assert_null(watch);
    w->queue = queue;
    w->fired = 1;
    watch = w;
    watches++;
    return 0;
}

void xenbus_unwatch(struct xenbus_watch *w)
{
    assert_ptr_equal(watch, w);
    watch = NULL;
    watches--;
}

static int grant(const void *page, int readonly, int transfer)
{
    unsigned ref = FIRST_REF;

    while (ref < REFS && refs[ref].page)
        ref++;
    if (ref == REFS)
        return -XEN_ENOSPC;
    refs[ref].page = (void *)(uintptr_t)page;
    refs[ref].readonly = readonly;
    refs[ref].transfer = transfer;
    return (int)ref;
}

int gnttab_grant(unsigned remote, const void *page, int readonly)
{
    assert_int_equal(remote, 3);
    return grant(page, readonly, 0);
}

int gnttab_grant_transfer(unsigned remote, const void *page)
{
    assert_int_equal(remote, 3);
    return grant(page, 0, 1);
}

int gnttab_end(int ref)
{
    assert_true(ref >= FIRST_REF && ref < REFS && refs[ref].page);
    assert_false(refs[ref].transfer);
    if (mapped)
        return -XEN_EBUSY;
    refs[ref].page = NULL;
    return 0;
}

/* The "frame" is the gift's address. */
u64 gnttab_end_transfer(int ref)
{
    u64 gift = (u64)refs[ref].gift;

    assert_true(refs[ref].page && refs[ref].transfer);
    memset(&refs[ref], 0, sizeof(refs[ref]));
    return gift;
}

/* A page without a frame is one that must not be touched: all ones. */
int page_let_go(void *page)
{
    memset(page, 0xff, PAGE_SIZE);
    return 0;
}

int page_take(void *page, u64 frame)
{
    assert_int_equal(*(u64 *)page, ~0UL);
    if (frame)
        memcpy(page, (void *)frame, PAGE_SIZE);
    else
        memset(page, 0, PAGE_SIZE);
    free((void *)frame);
    return 0;
}

int event_alloc(unsigned remote, event_handler fn, void *arg)
{
    assert_int_equal(remote, 3);
    handler = fn;
    handler_arg = arg;
    return 1;
}

int event_send(unsigned port)
{
    assert_int_equal(port, 1);
    act();
    return 0;
}

void event_close(unsigned port)
{
    assert_int_equal(port, 1);
    handler = NULL;
}

void *alloc_page(void)
{
    void *page;

    if (!world_memory)
        return NULL;
    world_memory--;
    page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    pages++;
    return memset(page, 0, PAGE_SIZE);
}

void free_page(void *page)
{
    free(page);
    pages--;
}

void *alloc_cleared(size_t n, size_t size)
{
    blocks++;
    return calloc(n, size);
}

void release(void *p)
{
    blocks -= p != NULL;
    free(p);
}

u64 time_ns(void) { return now; }
int irq_save(void) { return 0; }
void irq_restore(int state) { (void)state; }
void wake_all(struct wait_queue *q) { (void)q; }
void wait_on(struct wait_queue *q) { fail_msg("waits for ever: %p", (void *)q); }
void mutex_lock(struct mutex *m) { assert_null(m->owner); m->owner = (void *)m; }

int mutex_unlock(struct mutex *m)
{
    assert_non_null(m->owner);
    m->owner = NULL;
    return 0;
}

int wait_until(struct wait_queue *q, u64 deadline_ns)
{
    (void)q;
    now++;
    if (act() && now < deadline_ns)
        return 1;
    now = deadline_ns;
    return 0;
}

void print(const char *fmt, ...)
{
    size_t n = strlen(world_output);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(world_output + n, sizeof(world_output) - n, fmt, ap);
    va_end(ap);
}

const char *option(const char *word, size_t *len)
{
    assert_string_equal(word, "rx");
    *len = world_option ? strlen(world_option) : 0;
    return world_option;
}
