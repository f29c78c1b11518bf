# A Raspberry Pi Pico without radio: the network is a modem on a UART, spoken to by PPP. image.sh gives the sizes.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_PY_LWIP ON)
set(MBEDTLS_CONFIG_FILE ${MICROPY_BOARD_DIR}/mbedtls_config.h)
list(APPEND MICROPY_DEF_BOARD
    MICROPY_PY_NETWORK=1
    MICROPY_PY_NETWORK_PPP_LWIP=1
    MICROPY_HW_FLASH_STORAGE_BYTES=${PENSTOCK_FILE_SYSTEM_BYTES}
    PENSTOCK_SLOT_BYTES=${PENSTOCK_SLOT_BYTES}
    PICO_FLASH_SIZE_BYTES=${PENSTOCK_FLASH_BYTES}
    PICO_CXX_DISABLE_ALLOCATION_OVERRIDES=1 # no part of the image is C++, so there is nothing for it to allocate
)

# Both of these have to come after what the port sets itself.
cmake_language(DEFER CALL pico_set_linker_script firmware ${CMAKE_BINARY_DIR}/slot.ld)
cmake_language(DEFER CALL target_include_directories firmware BEFORE PRIVATE ${MICROPY_BOARD_DIR}/lwip)
