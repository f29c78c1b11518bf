# A Raspberry Pi Pico without radio: the network is a modem on a UART, spoken to by PPP.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_PY_LWIP ON)
# No part of the image is C++, so there is nothing for it to allocate.
list(APPEND MICROPY_DEF_BOARD MICROPY_PY_NETWORK=1 MICROPY_PY_NETWORK_PPP_LWIP=1 PICO_CXX_DISABLE_ALLOCATION_OVERRIDES=1)
