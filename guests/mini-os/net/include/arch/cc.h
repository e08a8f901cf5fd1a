/* What lwIP asks of the compiler and the system. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <limits.h>
#include <mini-os.h>

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1
#define X8_F "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "lu"

/* A compiler's own limits.h may have it from the system's, or not. */
#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX
#endif
typedef long ssize_t;
#define BYTE_ORDER LITTLE_ENDIAN
#define LWIP_PLATFORM_DIAG(args) print args
#define LWIP_PLATFORM_ASSERT(text) panic("lwIP: %s", text)
#define LWIP_RAND() net_random()
u32 net_random(void);

#endif
