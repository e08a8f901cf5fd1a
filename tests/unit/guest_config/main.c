/* Configuration files of guests: syntax, meaning, and what is refused. */
#include "guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINIMAL "name='g'\nkernel='/k'\n"

static struct cfg cfg;
static struct guest guest;

static bool read_guest(const char *text)
{
    cfg_free(&cfg);
    guest_free(&guest);
    memset(&cfg, 0, sizeof(cfg));
    memset(&guest, 0, sizeof(guest));
    return cfg_parse(&cfg, "f.cfg", text) && guest_read(&guest, &cfg);
}

/* Refused, with a message that has the text in it. */
static void assert_refused(const char *text, const char *message)
{
    assert_false(read_guest(text));
    if (!strstr(cfg.error, message))
        fail_msg("'%s' does not say '%s'", cfg.error, message);
}

static void test_minimal(void **state)
{
    (void)state;
    assert_true(read_guest(MINIMAL));
    assert_string_equal(guest.name, "g");
    assert_string_equal(guest.kernel, "/k");
    assert_null(guest.ramdisk);
    assert_string_equal(guest.cmdline, "");
    assert_int_equal(guest.memory_kib, 64 << 10);
    assert_int_equal(guest.max_memory_kib, 64 << 10);
    assert_int_equal(guest.vcpus, 1);
    assert_int_equal(guest.max_vcpus, 1);
    assert_int_equal(guest.on_poweroff, ON_DESTROY);
    assert_int_equal(guest.on_reboot, ON_RESTART);
    assert_int_equal(guest.on_crash, ON_DESTROY);
    assert_int_equal(guest.nr_disks + guest.nr_vifs, 0);
}

static void test_everything(void **state)
{
    (void)state;
    assert_true(read_guest(
        "# a comment\n"
        "name = \"web\"; kernel = \"/boot/vmlinuz\"\n"
        "ramdisk=\"/boot/initrd\" # behind\n"
        "root=\"/dev/xvda1 ro\"\nextra='console=hvc0'\n"
        "memory = 0x100\nmaxmem = \"512\"\nvcpus=2\nmaxvcpus=4\n"
        "cpus=\"0-3,^1\"\nuuid='01234567-89ab-cdef-0123-456789abcdef'\n"
        "on_poweroff='preserve'\non_crash=\"rename-restart\"\n"
        "on_watchdog='coredump-destroy'\n"
        "disk = [ 'phy:/dev/vg/web,xvda,w',\n"
        "         'format=raw, vdev=xvdb, access=ro, target=/a,b.img',\n"
        "         '/c.iso,raw,hdc,ro,cdrom', ]\n"
        "vif = [ 'mac=00:16:3e:01:02:03,bridge=br1', '' ]\n"
        "type='pv'\n"));
    assert_string_equal(guest.cmdline, "root=/dev/xvda1 ro console=hvc0");
    assert_int_equal(guest.memory_kib, 256 << 10);
    assert_int_equal(guest.max_memory_kib, 512 << 10);
    assert_int_equal(guest.max_vcpus, 4);
    assert_true(guest.have_cpus);
    assert_int_equal(guest.cpus.bits[0], 0xd);
    assert_true(guest.have_uuid);
    assert_int_equal(guest.uuid[0], 0x01);
    assert_int_equal(guest.uuid[15], 0xef);
    assert_int_equal(guest.on_poweroff, ON_PRESERVE);
    assert_int_equal(guest.on_crash, ON_RENAME_RESTART);
    assert_int_equal(guest.on_watchdog, ON_DUMP_DESTROY);
    assert_int_equal(guest.nr_disks, 3);
    assert_string_equal(guest.disk[0].target, "/dev/vg/web");
    assert_int_equal(guest.disk[0].number, 51712);
    assert_false(guest.disk[0].readonly);
    assert_string_equal(guest.disk[1].target, "/a,b.img");
    assert_true(guest.disk[1].readonly);
    assert_true(guest.disk[2].cdrom);
    assert_int_equal(guest.disk[2].number, 22 << 8);
    assert_int_equal(guest.nr_vifs, 2);
    assert_int_equal(guest.vif[0].mac[5], 3);
    assert_string_equal(guest.vif[0].bridge, "br1");
}

/* A later setting replaces an earlier one: so the command line overrides. */
static void test_override(void **state)
{
    (void)state;
    assert_true(read_guest(MINIMAL "memory=32\nmemory=48"));
    assert_int_equal(guest.memory_kib, 48 << 10);
}

static void test_append(void **state)
{
    (void)state;
    assert_true(read_guest(MINIMAL "extra='a'\nextra += \" b\"\n"
                                   "vif += ['bridge=x']\nvif+=['','']"));
    assert_string_equal(guest.cmdline, "a b");
    assert_int_equal(guest.nr_vifs, 3);
    assert_string_equal(guest.vif[0].bridge, "x");
    assert_refused(MINIMAL "memory=5\nmemory+=6", "strings or lists only");
    assert_refused(MINIMAL "extra='a'\nextra+=['b']", "strings or lists only");
    assert_refused(MINIMAL "extra + = 'a'", "expected '='");
}

/* Over several lines, with comments, in either kind of quotes. */
static void test_lists(void **state)
{
    (void)state;
    assert_true(read_guest(MINIMAL "disk=[ # one\n\n '/a,raw,xvda,w' ,\n"
                                   "\"/b,raw,xvdb,w\"\n# two\n,]; memory=7"));
    assert_int_equal(guest.nr_disks, 2);
    assert_int_equal(guest.memory_kib, 7 << 10);
    assert_true(read_guest(MINIMAL "disk=[]\nvif=[\n]"));
    assert_refused(MINIMAL "vnuma=[['pnode=0'],[]]", "'vnuma'");
    assert_refused(MINIMAL "a=[[[[[[[[[[1]]]]]]]]]]", "too many lists");
    assert_refused(MINIMAL "\n\ndisk=['/a,raw,xvda,w',\n'/b']",
                   "f.cfg:6: disk '/b'");
}

static void test_strings(void **state)
{
    (void)state;
    assert_true(read_guest(MINIMAL "extra='a\\\\b\\'c\"d\\n\\t'"));
    assert_string_equal(guest.cmdline, "a\\b'c\"d\n\t");
    assert_true(read_guest(MINIMAL "extra=\"it's # no comment; no end\""));
    assert_string_equal(guest.cmdline, "it's # no comment; no end");
    assert_true(read_guest("name='g';kernel='/k';;\r\n;memory = 010\r\n"));
    assert_int_equal(guest.memory_kib, 8 << 10);
}

/* What is written says the same again. */
static void test_rewrite(void **state)
{
    char *text;

    (void)state;
    assert_true(read_guest(MINIMAL "extra='a\"\\\\'\nmemory=5\nvif=['','']"));
    cfg_list_add(&cfg, "disk", "/a,raw,xvda,w");
    cfg_list_add(&cfg, "disk", "/b,raw,xvdb,w");
    cfg_list_remove(&cfg_get(&cfg, "disk")->value, 0);
    text = cfg_text(&cfg);
    assert_true(read_guest(text));
    free(text);
    assert_string_equal(guest.cmdline, "a\"\\");
    assert_int_equal(guest.memory_kib, 5 << 10);
    assert_int_equal(guest.nr_vifs, 2);
    assert_int_equal(guest.nr_disks, 1);
    assert_string_equal(guest.disk[0].vdev, "xvdb");
}

/* Errors of what the command line adds are named so. */
static void test_command_line(void **state)
{
    struct cfg c = {.extra = 3};
    struct guest g;

    (void)state;
    assert_true(cfg_parse(&c, "f.cfg", MINIMAL "memory=0"));
    assert_false(guest_read(&g, &c));
    assert_non_null(strstr(c.error, "command line: memory = 0"));
    guest_free(&g);
    cfg_free(&c);
}

static void test_syntax(void **state)
{
    (void)state;
    assert_refused(MINIMAL "x\n", "f.cfg:3: expected '=' behind 'x'");
    assert_refused("name='g\nkernel='k'", "f.cfg:1: the string has no end");
    assert_refused("name='g' 'h'", "behind the value of 'name'");
    assert_refused(MINIMAL "memory=12x", "bad number '12x'");
    assert_refused(MINIMAL "memory=", "expected a number");
    assert_refused(MINIMAL "disk=['a'\n'b']", "f.cfg:4: expected ',' or ']'");
    assert_refused(MINIMAL "disk=['a',", "expected a number");
    assert_refused(MINIMAL "memory=99999999999999999999", "bad number");
    assert_refused("5=3", "expected a name");
    assert_refused("name='\\", "the string has no end");
}

static void test_meaning(void **state)
{
    (void)state;
    assert_refused("kernel='/k'", "needs a name");
    assert_refused("name='g'", "needs a kernel");
    assert_refused("name='a/b'\nkernel='/k'", "no '/'");
    assert_refused(MINIMAL "colour='red'\n",
                   "f.cfg:3: unknown or unsupported key 'colour'");
    assert_refused(MINIMAL "memory=0", "memory = 0: must be 1 to");
    assert_refused(MINIMAL "memory=-5", "memory = -5: must be 1 to");
    assert_refused(MINIMAL "memory=64\nmaxmem=32", "maxmem = 32: must be 64");
    assert_refused(MINIMAL "vcpus=65", "vcpus = 65: must be 1 to 64");
    assert_refused(MINIMAL "vcpus=2\nmaxvcpus=1", "maxvcpus = 1");
    assert_refused(MINIMAL "cpus='1-'", "cpus must be a list");
    assert_refused(MINIMAL "cpus='0,^0'", "cpus must be a list");
    assert_refused(MINIMAL "uuid='xyz'", "uuid is not of the form");
    assert_refused(MINIMAL "uuid='0123456789abcdef0123456789abcdef'",
                   "uuid is not of the form");
    assert_refused(MINIMAL "on_crash='explode'", "on_crash must be");
    assert_refused(MINIMAL "type='hvm'", "only \"pv\" guests");
    assert_refused(MINIMAL "memory=['1']", "memory must be a number");
    assert_refused(MINIMAL "kernel=5", "kernel must be a string");
}

static void test_devices(void **state)
{
    (void)state;
    assert_refused(MINIMAL "disk='x'", "disk must be a list");
    assert_refused(MINIMAL "disk=[5]", "list of strings");
    assert_refused(MINIMAL "disk=['/d,raw,zzz,w']", "'zzz' is no virtual");
    assert_refused(MINIMAL "disk=['/d,raw']", "needs a target and a vdev");
    assert_refused(MINIMAL "disk=['/d,qcow2,xvda,w']", "'qcow2'");
    assert_refused(MINIMAL "disk=['/d,raw,xvda,w','/e,raw,xvda,w']",
                   "there are two of it");
    assert_refused(MINIMAL "vif=['mac=1:2:3']", "bad vif option");
    assert_refused(MINIMAL "vif=['mac=01:16:3e:00:00:00']", "bad vif option");
    assert_refused(MINIMAL "vif=['speed=9']", "bad vif option 'speed=9'");
}

/* A disk as the string says; NULL if it is refused. */
static const struct guest_disk *disk(const char *spec)
{
    char text[256];

    snprintf(text, sizeof(text), MINIMAL "disk=[\"%s\"]", spec);
    return read_guest(text) ? &guest.disk[0] : NULL;
}

/* Every syntax that xl-disk-configuration(5) knows, old and new. */
static void test_disk_syntax(void **state)
{
    static const char *const same[] = {
        "/d,raw,xvda,rw", "/d,raw,xvda,w", "/d,,xvda", "/d,,xvda,",
        "/d, raw, xvda, w", "vdev=xvda,target=/d",
        "format=raw,vdev=xvda,access=rw,target=/d",
        "format=raw, vdev=xvda, access=w, backendtype=phy, target=/d",
        "/d,vdev=xvda,raw,direct-io-safe,,w", "phy:/d,xvda,w",
        "file:/d,xvda,w",
        "tap:aio:/d,xvda,w", "raw:/d,xvda,w", "phy:/d,xvda:disk,w",
        "/d,raw,xvda,w,discard", "/d,raw,xvda,w,devtype=disk,backend=0",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        const struct guest_disk *d = disk(same[i]);

        if (!d)
            fail_msg("%s", cfg.error);
        assert_string_equal(d->target, "/d");
        assert_string_equal(d->vdev, "xvda");
        assert_int_equal(d->number, 51712);
        assert_false(d->readonly || d->cdrom || d->script);
    }
    assert_true(disk("phy:/d,hdc:cdrom,r")->cdrom);
    assert_true(disk("/d,raw,hdc,devtype=cdrom")->readonly);
    assert_true(disk("/d,raw,hdc,cdrom")->cdrom);
    assert_string_equal(disk("vdev=xvda,target=/a,b=c")->target, "/a,b=c");
    assert_string_equal(disk("x,raw,xvda,w,script=block-x")->script, "block-x");
    assert_null(disk("/d,raw,xvda,x"));
    assert_null(disk("/d,raw,xvda:floppy,w"));
    assert_null(disk("/d,raw,xvda,w,extra"));
    assert_null(disk("/d,raw,xvda,w,backend=1"));
    assert_null(disk(",raw,xvda,w"));
    assert_null(disk("qcow2:/d,xvda,w"));
}

/* The interface as the string says; NULL if it is refused. */
static const struct guest_vif *vif(const char *spec)
{
    char text[256];

    snprintf(text, sizeof(text), MINIMAL "vif=[\"%s\"]", spec);
    return read_guest(text) ? &guest.vif[0] : NULL;
}

static void test_vif_syntax(void **state)
{
    (void)state;
    assert_null(vif("")->bridge);
    assert_string_equal(vif("vifname=web0, bridge=b")->name, "web0");
    assert_string_equal(vif("ip=10.0.0.1 10.0.0.2")->ip, "10.0.0.1 10.0.0.2");
    assert_string_equal(vif("type=vif,model=e1000,script=vif-route")->script,
                        "vif-route");
    assert_int_equal(vif("rate=1MB/s@20ms")->rate_bytes, 20000);
    assert_int_equal(guest.vif[0].rate_us, 20000);
    assert_int_equal(vif("rate=10Mb/s")->rate_bytes, 62500);
    assert_int_equal(vif("rate=250KB/s@1s")->rate_bytes, 250000);
    assert_null(vif("rate=fast"));
    assert_null(vif("rate=0B/s"));
    assert_null(vif("rate=1MB"));
    assert_null(vif("rate=1MB/s@"));
    assert_null(vif("rate=1MB/s@99s99"));
    assert_null(vif("vifname=a-name-that-is-too-long"));
    assert_null(vif("vifname=a/b"));
    assert_null(vif("vifname="));
    assert_null(vif("bridge"));
    assert_null(vif("backend=7"));
    assert_int_equal(vif("devid=5")->number, 5);
    assert_true(read_guest(MINIMAL "vif=['', 'devid=0', '', 'devid=2']"));
    assert_int_equal(guest.vif[0].number, 1);
    assert_int_equal(guest.vif[2].number, 3);
    assert_refused(MINIMAL "vif=['devid=1', 'devid=1']", "devid=1 is there");
    assert_null(vif("devid=-1"));
    assert_null(vif("devid=64"));
    assert_null(vif("mac=00:16:3e:00:00"));
}

/* Numbers of the block interface as Xen's documentation gives them. */
static void test_vdev(void **state)
{
    (void)state;
    assert_int_equal(vdev_number("xvda"), 202 << 8);
    assert_int_equal(vdev_number("xvdb3"), (202 << 8) + 16 + 3);
    assert_int_equal(vdev_number("xvdp15"), (202 << 8) + 255);
    assert_int_equal(vdev_number("xvdq"), (1 << 28) + (16 << 8));
    assert_int_equal(vdev_number("xvdaa1"), (1 << 28) + (26 << 8) + 1);
    assert_int_equal(vdev_number("xvda16"), (1 << 28) + 16);
    assert_int_equal(vdev_number("sdb2"), (8 << 8) + 16 + 2);
    assert_int_equal(vdev_number("hdb1"), (3 << 8) + 64 + 1);
    assert_int_equal(vdev_number("hdd"), (22 << 8) + 64);
    assert_int_equal(vdev_number("xvd"), -1);
    assert_int_equal(vdev_number("xvda0"), -1);
    assert_int_equal(vdev_number("hde"), -1);
    assert_int_equal(vdev_number("sda16"), -1);
    assert_int_equal(vdev_number("nvme0"), -1);
}

static void test_cpus(void **state)
{
    struct xeno_cpus c;

    (void)state;
    assert_true(parse_cpus("all", &c));
    assert_int_equal(c.bits[3], ~0ull);
    assert_true(parse_cpus("all,^0", &c));
    assert_int_equal(c.bits[0], ~1ull);
    assert_true(parse_cpus("63-65,200", &c));
    assert_int_equal(c.bits[0], 1ull << 63);
    assert_int_equal(c.bits[1], 3);
    assert_int_equal(c.bits[3], 1ull << 8);
    assert_false(parse_cpus("", &c));
    assert_false(parse_cpus("3-1", &c));
    assert_false(parse_cpus("256", &c));
    assert_false(parse_cpus("1,,2", &c));
    assert_false(parse_cpus("allx", &c));
}

/* No text may do harm: random ones from the grammar's letters. */
static void test_random(void **state)
{
    static const char letters[] = "name='\"[],=#;\\ \n\t05xkdisvf:^-";
    unsigned seed = 1;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        char text[64];
        unsigned n = round % (sizeof(text) - 1);

        for (unsigned i = 0; i < n; i++) {
            seed = seed * 1103515245 + 12345;
            text[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
        }
        text[n] = '\0';
        if (!read_guest(text))
            assert_true(cfg.error[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimal),  cmocka_unit_test(test_everything),
        cmocka_unit_test(test_override), cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_append),   cmocka_unit_test(test_lists),
        cmocka_unit_test(test_strings),  cmocka_unit_test(test_rewrite),
        cmocka_unit_test(test_command_line),
        cmocka_unit_test(test_meaning),  cmocka_unit_test(test_devices),
        cmocka_unit_test(test_disk_syntax),
        cmocka_unit_test(test_vif_syntax),
        cmocka_unit_test(test_vdev),     cmocka_unit_test(test_cpus),
        cmocka_unit_test(test_random),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);

    cfg_free(&cfg);
    guest_free(&guest);
    return rc;
}
