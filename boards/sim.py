"""The simulated board: eight meters, a 4x3 keypad, a 20x4 display; its pins are numbers that only the world knows."""

BOARD = "sim"
MAX_METERS = 8

# A pulse input sees a contact to ground. Backends: "counter" (hardware counter), "hard_irq", "irq".
PULSE_BACKEND = "irq"
PULSE_PINS = (10, 11, 12, 13, 14, 15, 16, 17)
PULSE_MIN_WIDTH_MS = 0  # the simulated reed does not bounce, and bursts of pulses arrive together

# Keys are written row by row; a pressed key joins its row to its column.
KEYPAD_ROWS = (60, 61, 62, 63)
KEYPAD_COLS = (64, 65, 66)
KEYPAD_KEYS = "123456789*0#"

LCD_I2C_ID = 0
LCD_I2C_SCL = 80
LCD_I2C_SDA = 81
LCD_I2C_HZ = 100000
LCD_I2C_ADDRESS = 0x27
LCD_COLUMNS = 20
LCD_ROWS = 4

# One entry per channel; an end switch joins its pin to ground when the valve has arrived.
VALVE_OPEN_PINS = (20, 21, 22, 23, 24, 25, 26, 27)
VALVE_CLOSE_PINS = (30, 31, 32, 33, 34, 35, 36, 37)
VALVE_OPENED_PINS = (40, 41, 42, 43, 44, 45, 46, 47)
VALVE_CLOSED_PINS = (50, 51, 52, 53, 54, 55, 56, 57)
VALVE_TRAVEL_MS = 1500  # longest time a healthy motion may take

TAMPER_PIN = 70  # joined to ground while the lid is closed
BUZZER_PIN = 71
LED_PIN = 72

HAS_WIFI = False  # the host's network is simply there
WATCHDOG_MS = 8000

FLASH_DIRECTORY = "/penstock"
FLASH_CAPACITY_BYTES = 1048576
FLASH_ENCRYPTED = False
