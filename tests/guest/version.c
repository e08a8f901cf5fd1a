/* xen_version: every sub-operation, and those that do not exist. */
#include "guest.h"
const char test_title[] = "xen_version";

static long version(unsigned cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_xen_version, cmd, arg);
}

static void test_strings(void)
{
    xen_extraversion_t extra;
    xen_capabilities_info_t caps;
    xen_changeset_info_t change;
    xen_commandline_t line;
    static struct xen_compile_info info;

    memset(caps, 0, sizeof(caps));
    memset(extra, 0x7f, sizeof(extra));
    expect_eq(version(XENVER_extraversion, extra), 0);
    expect(strlen(extra) < sizeof(extra), "no end in the extra version");
    expect_eq(version(XENVER_capabilities, caps), 0);
    expect(strstr(caps, "xen-3.0-x86_64") != NULL, "capabilities \"%s\"", caps);
    expect_eq(version(XENVER_changeset, change), 0);
    expect_eq(version(XENVER_compile_info, &info), 0);
    expect(strlen(info.compiler) < sizeof(info.compiler), "no end");
    memset(line, 0, sizeof(line));
    expect_eq(version(XENVER_commandline, line), 0);
    expect(strstr(line, "guest_loglvl=all") != NULL, "command line \"%s\"",
           line);
    print("%s, %s, built by %s", extra, caps, info.compiler);
}

static void test_numbers(void)
{
    long v = version(XENVER_version, NULL);
    struct xen_platform_parameters p;
    xen_domain_handle_t handle;

    expect(v >> 16 == 4, "version %ld.%ld", v >> 16, v & 0xffff);
    expect_eq(version(XENVER_pagesize, NULL), 4096);
    expect_eq(version(XENVER_platform_parameters, &p), 0);
    expect_eq(p.virt_start, HYPERVISOR_VIRT_START);
    expect_eq(version(XENVER_guest_handle, handle), 0);
}

static uint32_t features(unsigned submap)
{
    struct xen_feature_info f = {.submap_idx = submap, .submap = 0x5a5a5a5a};
    long ret = version(XENVER_get_features, &f);

    if (submap == 0)
        expect_eq(ret, 0);
    return ret ? 0 : f.submap;
}

static void test_features(void)
{
    uint32_t f = features(0);

    expect(f >> XENFEAT_dom0 & 1, "features %#x: not domain 0", f);
    expect(f >> XENFEAT_mmu_pt_update_preserve_ad & 1, "features %#x", f);
    expect(!(f >> XENFEAT_auto_translated_physmap & 1), "features %#x", f);
    expect(!(f >> XENFEAT_writable_page_tables & 1), "features %#x", f);
    expect_eq(features(XENFEAT_NR_SUBMAPS), 0);
    expect_eq(features(1000000), 0);
}

static void test_bad(void)
{
    void *bad[] = {(void *)0x10, (void *)HYPERVISOR_VIRT_START,
                   (void *)(1UL << 47)};

    expect_eq(version(50, NULL), -ENOSYS);
    expect_eq(version(~0u, NULL), -ENOSYS);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        expect_eq(version(XENVER_extraversion, bad[i]), -EFAULT);
        expect_eq(version(XENVER_compile_info, bad[i]), -EFAULT);
        expect_eq(version(XENVER_capabilities, bad[i]), -EFAULT);
        expect_eq(version(XENVER_changeset, bad[i]), -EFAULT);
        expect_eq(version(XENVER_platform_parameters, bad[i]), -EFAULT);
        expect_eq(version(XENVER_get_features, bad[i]), -EFAULT);
        expect_eq(version(XENVER_guest_handle, bad[i]), -EFAULT);
        expect_eq(version(XENVER_commandline, bad[i]), -EFAULT);
    }
}

void test_main(void)
{
    test_strings();
    test_numbers();
    test_features();
    test_bad();
}
