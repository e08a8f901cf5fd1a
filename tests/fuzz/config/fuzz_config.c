/*
 * Any text as a guest's configuration: it is refused with a message, or it is
 * a guest within its limits; and what it says, written anew, says the same.
 */
#include "guest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_guest(const struct guest *g)
{
    require(g->name && *g->name && strlen(g->name) <= 80 && g->kernel);
    require(g->memory_kib && g->memory_kib <= g->max_memory_kib);
    require(g->vcpus && g->vcpus <= g->max_vcpus && g->max_vcpus <= 64);
    for (unsigned i = 0; i < g->nr_disks; i++)
        require(g->disk[i].target && vdev_number(g->disk[i].vdev) ==
                                         (int)g->disk[i].number);
    for (unsigned i = 0; i < g->nr_vifs; i++) {
        const struct guest_vif *v = &g->vif[i];

        require(v->number >= 0 && v->number < MAX_VIFS);
        require(!(v->mac[0] & 1) && !v->rate_bytes == !v->rate_us);
        for (unsigned j = 0; j < i; j++)
            require(g->vif[j].number != v->number);
    }
}

static char *rewrite(const char *text, bool *good)
{
    struct cfg cfg = {0};
    char *again = NULL;

    *good = cfg_parse(&cfg, "f", text);
    if (*good)
        again = cfg_text(&cfg);
    else
        require(cfg.error[0]);
    cfg_free(&cfg);
    return again;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(size + 1, 1), *once, *twice;
    struct cfg cfg = {0};
    struct guest g = {0};
    bool good;

    require(text);
    memcpy(text, data, size);
    once = rewrite(text, &good);
    if (good) {
        twice = rewrite(once, &good);
        require(good && !strcmp(once, twice));
        free(twice);
        require(cfg_parse(&cfg, "f", text));
        if (guest_read(&g, &cfg))
            check_guest(&g);
        else
            require(cfg.error[0]);
        guest_free(&g);
        cfg_free(&cfg);
    }
    free(once);
    free(text);
    return 0;
}
