// The port's settings of lwIP, with echo requests on a modem's line and without the responder for names of a local
// network, where a gateway offers nothing.
#include_next "lwipopts.h"

#undef LWIP_MDNS_RESPONDER
#define LWIP_MDNS_RESPONDER 0

// A line that died without a word is noticed within a minute.
#define LCP_ECHOINTERVAL 10
#define LCP_MAXECHOFAILS 3

// What comes in is soon taken by TLS, and a modem's line is slow: half of the port's window, and room for it twice.
#undef TCP_WND
#define TCP_WND (4 * TCP_MSS)
#define PBUF_POOL_SIZE 8

#undef LWIP_IPV6
#define LWIP_IPV6 0

// All that TCP may keep for sending: 8 segments of 800 bytes or, where the peer's are of 256, 25 of 340 with their heads. The
// port's 8000 bytes are less, and a write that finds them full waits 10 s in the port, though it is not to wait.
#undef MEM_SIZE
#define MEM_SIZE (10000)

// A gateway asks for one name at a time, listens for nobody, has no neighbours on its line but the modem, and sends and
// takes no datagram that needs to be put together.
#define DNS_TABLE_SIZE 1
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define ARP_TABLE_SIZE 1
#define IP_REASSEMBLY 0
#define IP_FRAG 0
