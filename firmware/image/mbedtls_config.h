// The port's settings of Mbed TLS without curves that no certificate uses any more, and with smaller tables.
#include "ports/rp2/mbedtls/mbedtls_config_port.h"

#undef MBEDTLS_ECP_DP_SECP192R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP192K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP256K1_ENABLED
#define MBEDTLS_AES_FEWER_TABLES

// What comes in is in records of at most 4096 bytes: the broker writes in such pieces as long as no message is longer, and
// MESSAGE_MAX of shared/documents.py sees to that. The port's 16 KB would be most of what a connection takes of the heap. The broker's
// certificates come in one message, which has to fit, too.
#undef MBEDTLS_SSL_IN_CONTENT_LEN
#define MBEDTLS_SSL_IN_CONTENT_LEN 6144
