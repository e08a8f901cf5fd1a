/* The applications that need the network, for app= and for the shell. */
#include <apps.h>
#include "net.h"

static void httpd(void)
{
    u64 seen = 0;

    if (net_start() || httpd_start())
        return;
    print("httpd: serving\n");
    for (;;) {
        sleep_ms(100);
        if (httpd_served() != seen) {
            seen = httpd_served();
            print("httpd: %lu pages served\n", seen);
        }
    }
}

/* What came, as text, by pieces that fit a line of output. */
static void show(const void *data, size_t n)
{
    char piece[128];
    size_t len;

    for (; n; n -= len, data = (const char *)data + len) {
        len = n < sizeof(piece) ? n : sizeof(piece) - 1;
        memcpy(piece, data, len);
        piece[len] = 0;
        print("%s", piece);
    }
}

static void get(void)
{
    int code;

    if (net_start())
        return;
    code = http_get(argument(), show);
    if (code >= 0)
        print("\nget: status %d\n", code);
}

static void ping(void)
{
    ip4_addr_t to;
    u64 took;
    int i;

    if (!ip4addr_aton(argument(), &to)) {
        print("ping: of which address?\n");
        return;
    }
    for (i = 0; i < 4 && !net_start(); i++) {
        took = ping_once(&to, 5000);
        if (took)
            print("ping: answer after %lu us\n", took / 1000);
        else
            print("ping: no answer\n");
    }
}

static void net_test(void)
{
    net_self_test();
}

const struct command net_commands[] = {
    {"httpd", httpd}, {"get", get}, {"ping", ping}, {"net-test", net_test},
};
const size_t net_command_count = ARRAY_SIZE(net_commands);
