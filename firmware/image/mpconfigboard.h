// What the image leaves out: nothing of the gateway uses it, and two images have to fit into the flash beside each other.
#define MICROPY_HW_BOARD_NAME "Penstock gateway"
#define MICROPY_PY_FRAMEBUF (0)
#define MICROPY_PY_WEBREPL (0)
#define MICROPY_PY_WEBSOCKET (0)
#define MICROPY_PY_MATH_SPECIAL_FUNCTIONS (0)
#define MICROPY_PY_CMATH (0)
#define MICROPY_HW_ENABLE_USB_RUNTIME_DEVICE (0)
