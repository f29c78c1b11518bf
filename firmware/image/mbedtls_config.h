// The port's settings of Mbed TLS without curves that no certificate uses any more, and with smaller tables.
#include "ports/rp2/mbedtls/mbedtls_config_port.h"

#undef MBEDTLS_ECP_DP_SECP192R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP192K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP256K1_ENABLED
#define MBEDTLS_AES_FEWER_TABLES
