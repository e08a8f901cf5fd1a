/*
 * lwIP as mini-os uses it: IPv4 with ICMP, UDP, TCP and DHCP, its raw
 * interface, no threads of its own; memory from mini-os's heap.
 */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_STATS 0
#define LWIP_DHCP 1
#define LWIP_RAW 1
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_HAVE_LOOPIF 1
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_LOOPBACK_MAX_PBUFS 64

#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 8
#define mem_clib_malloc alloc
#define mem_clib_calloc alloc_cleared
#define mem_clib_free release

#define TCP_MSS 1460
#define TCP_SND_BUF (16 * TCP_MSS)
#define TCP_WND (16 * TCP_MSS)
#define TCP_SND_QUEUELEN 64
#define MEMP_NUM_TCP_SEG 64
#define LWIP_TCP_KEEPALIVE 1

#endif
