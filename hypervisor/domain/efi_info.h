/* What the UEFI firmware's system table says, for dom0. */
#ifndef DOMAIN_EFI_INFO_H
#define DOMAIN_EFI_INFO_H

#include "lib/types.h"
#include <xen/platform.h>

/*
 * XENPF_firmware_info, type EFI: fills *info (with the caller's input in it).
 * -ENOSYS not started by UEFI, -EIO its system table cannot be read, -ENOENT
 * no such item, -EFAULT, -EINVAL unknown index.
 */
int efi_get_info(uint32_t index, union xenpf_efi_info *info);

#endif
