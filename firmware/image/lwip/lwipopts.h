// The port's settings of lwIP, with echo requests on a modem's line and without the responder for names of a local
// network, where a gateway offers nothing.
#include_next "lwipopts.h"

#undef LWIP_MDNS_RESPONDER
#define LWIP_MDNS_RESPONDER 0

// A line that died without a word is noticed within a minute.
#define LCP_ECHOINTERVAL 10
#define LCP_MAXECHOFAILS 3
