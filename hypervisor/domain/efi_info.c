/*
 * The firmware's system table is read once, when first asked for, and what is
 * wanted of it is kept. dom0 gets the addresses and reads the tables itself;
 * runtime services are not called.
 */
#include "domain/efi_info.h"

#include "arch/x86/boot.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "lib/spinlock.h"

#define SYSTEM_TABLE_SIGNATURE 0x5453595320494249UL /* "IBI SYST" */
#define VENDOR_MAX 64u

/* UEFI specification 2.x, 4.2 and 4.3. */
struct efi_header {
    uint64_t signature;
    uint32_t revision, size, crc32, reserved;
};
struct efi_system_table {
    struct efi_header header;
    uint64_t vendor; /* UTF-16 string */
    uint32_t vendor_revision, pad;
    uint64_t console_handles_and_protocols[6];
    uint64_t runtime_services, boot_services;
    uint64_t nr_tables, tables;
};

static spinlock_t lock = SPINLOCK_INIT(LOCK_DOMCTL);
static bool tried, readable;
static struct efi_system_table table;
static uint32_t runtime_revision;
static uint16_t vendor[VENDOR_MAX];

static void read_vendor(void)
{
    const uint16_t *p = ioremap(table.vendor, sizeof(vendor));

    for (unsigned i = 0; p && i < VENDOR_MAX - 1 && p[i]; i++)
        vendor[i] = p[i];
}

static bool read_table(void)
{
    const struct efi_system_table *t;
    const struct efi_header *rt;

    t = ioremap(boot_info.efi_system_table, sizeof(*t));
    if (!t || t->header.signature != SYSTEM_TABLE_SIGNATURE)
        return false;
    table = *t;
    rt = ioremap(table.runtime_services, sizeof(*rt));
    if (rt)
        runtime_revision = rt->revision;
    read_vendor();
    return true;
}

static bool have_table(void)
{
    spin_lock(&lock);
    if (!tried && boot_info.efi_system_table)
        readable = read_table();
    tried = true;
    spin_unlock(&lock);
    return readable;
}

static int put_vendor(union xenpf_efi_info *info)
{
    size_t n = info->vendor.bufsz / sizeof(vendor[0]), len = 0;

    info->vendor.revision = table.vendor_revision;
    while (vendor[len])
        len++;
    len = min(len + 1, n);
    return copy_to_guest_va((vaddr_t)info->vendor.name.p, vendor,
                            len * sizeof(vendor[0]))
               ? -EFAULT
               : 0;
}

int efi_get_info(uint32_t index, union xenpf_efi_info *info)
{
    if (!boot_info.efi)
        return -ENOSYS;
    if (!have_table())
        return -EIO;
    switch (index) {
    case XEN_FW_EFI_VERSION:
        info->version = table.header.revision;
        return 0;
    case XEN_FW_EFI_RT_VERSION:
        info->version = runtime_revision;
        return 0;
    case XEN_FW_EFI_CONFIG_TABLE:
        info->cfg.addr = table.tables;
        info->cfg.nent = (uint32_t)table.nr_tables;
        return 0;
    case XEN_FW_EFI_VENDOR:
        return put_vendor(info);
    case XEN_FW_EFI_MEM_INFO:
    case XEN_FW_EFI_PCI_ROM:
        return -ENOENT;
    case XEN_FW_EFI_APPLE_PROPERTIES:
        return -ENODATA;
    default:
        return -EINVAL;
    }
}
