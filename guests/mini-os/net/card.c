/* lwIP's interface over the network front end. */
#include "net.h"
#include <lwip/etharp.h>
#include <netif/ethernet.h>
#include <netfront.h>

static u8 out_frame[NETFRONT_FRAME], in_frame[NETFRONT_FRAME];

static err_t send_frame(struct netif *netif, struct pbuf *p)
{
    if (p->tot_len > sizeof(out_frame))
        return ERR_BUF;
    pbuf_copy_partial(p, out_frame, p->tot_len, 0);
    return netfront_send(netif->state, out_frame, p->tot_len) ? ERR_IF : ERR_OK;
}

int card_open(struct netif *netif)
{
    char why[80];

    netif->state = netfront_open(0, why, sizeof(why));
    if (!netif->state) {
        print("net: %s\n", why);
        return -1;
    }
    memcpy(netif->hwaddr, netfront_mac(netif->state), ETH_HWADDR_LEN);
    netif->hwaddr_len = ETH_HWADDR_LEN;
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = NETFRONT_FRAME - 14;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
                   NETIF_FLAG_ETHERNET;
    netif->output = etharp_output;
    netif->linkoutput = send_frame;
    return 0;
}

static void take_frame(struct netif *netif, u16_t len)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, len, PBUF_RAM);

    if (!p)
        return; /* as if the network had lost it */
    pbuf_take(p, in_frame, len);
    if (netif->input(p, netif) != ERR_OK)
        pbuf_free(p);
}

void card_poll(struct netif *netif)
{
    int len;

    if (!netif_is_link_up(netif))
        return;
    while ((len = netfront_receive(netif->state, in_frame,
                                   sizeof(in_frame))) > 0)
        take_frame(netif, (u16_t)len);
    if (len < 0) {
        print("net: the card failed (%d)\n", len);
        netif_set_link_down(netif);
    }
}

void card_wait(struct netif *netif, u64 deadline)
{
    if (netif_is_link_up(netif))
        netfront_wait(netif->state, deadline);
    else
        sleep_ms(100);
}
