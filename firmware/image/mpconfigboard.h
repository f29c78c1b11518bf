// 2 MB of flash: the image, then the file system of the gateway.
#define MICROPY_HW_BOARD_NAME "Penstock gateway"
#define MICROPY_HW_FLASH_STORAGE_BYTES (1024 * 1024)
