/* Devices that do not come up, of either class. */
#include "minios_drivers/world.h"

#include "minios_drivers/tests.h"

#include <blkfront.h>
#include <netfront.h>
#include <string.h>

static int dead(void) { return 0; }

static int closing(void)
{
    if (world_front_state() < 3)
        return 0;
    world_back_state(XenbusStateClosing);
    return 1;
}

/* Both classes refuse, with words that have the text in them. */
static void refused(const char *text)
{
    char err[160] = "";

    assert_null(blkfront_open(0, err, sizeof(err)));
    if (!strstr(err, text))
        fail_msg("'%s' does not say '%s'", err, text);
    world_end();
}

static void refused_net(const char *text)
{
    char err[160] = "";

    assert_null(netfront_open(0, err, sizeof(err)));
    if (!strstr(err, text))
        fail_msg("'%s' does not say '%s'", err, text);
    world_end();
}

void test_open_refused(void **state)
{
    static const char *const bad[] = {NULL, "", "x", "-1", "32752", "99999999"};
    unsigned i;
    char err[160];

    (void)state;
    world_begin("device/vbd", dead);
    assert_null(blkfront_open(1, err, sizeof(err)));
    assert_string_equal(err, "device/vbd: there is no device 1");
    world_end();
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        world_begin("device/vbd", dead);
        world_set("device/vbd/0", "backend-id", bad[i]);
        refused("device/vbd/0: backend-id is no domain");
        world_begin("device/vif", dead);
        world_set("device/vif/0", "backend-id", bad[i]);
        refused_net("device/vif/0: backend-id is no domain");
    }
    world_begin("device/vbd", dead);
    world_set("device/vbd/0", "backend", NULL);
    refused("backend is no path");
    world_begin("device/vbd", dead);
    world_set("device/vbd/0", "backend", "");
    refused("backend is no path");
    world_begin("device/vbd", dead);
    world_set(BACK, "state", NULL);
    refused("there is no back end at /back/0");
}

void test_open_back_end_dead(void **state)
{
    static const char *const states[] = {"0", "1", "5", "6", "7", "9", "", "x"};
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        world_begin("device/vbd", dead);
        world_set("device/vbd/0", "virtual-device", "51712");
        world_set(BACK, "state", states[i]);
        refused("the back end stays ");
        world_begin("device/vif", dead);
        world_set(BACK, "state", states[i]);
        refused_net("the back end stays ");
    }
    world_begin("device/vbd", dead);
    world_set("device/vbd/0", "virtual-device", "51712");
    refused("the back end stays waiting");
    world_begin("device/vbd", closing);
    world_set("device/vbd/0", "virtual-device", "51712");
    refused("the back end is closing");
}

void test_open_little_memory(void **state)
{
    unsigned n;

    (void)state;
    world_begin("device/vbd", dead);
    world_set("device/vbd/0", "virtual-device", "51712");
    world_memory = 0;
    refused("no memory for its ring");
    for (n = 0; n < 50; n++) {
        world_begin("device/vif", dead);
        world_set("device/vif/0", "mac", "00:16:3e:00:00:01");
        world_set(BACK, "feature-rx-copy", "1");
        world_memory = n;
        refused_net(n < 18 ? "no memory for its pages"
                           : "no pages to receive with");
    }
}
