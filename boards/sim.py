"""The simulated board: eight meters, a 4x3 keypad, a 20x4 display; its pins are numbers that only the world knows."""

BOARD = "sim"
MAX_METERS = 8

# A pulse input sees a contact to ground. Backends: "pio" (RP2040), "counter" (ESP32), "hard_irq" (RP2040), "irq".
PULSE_BACKEND = "irq"
PULSE_PINS = (10, 11, 12, 13, 14, 15, 16, 17)
PULSE_MIN_WIDTH_MS = 0  # the simulated reed does not bounce, and bursts of pulses arrive together
REVERSE_PINS = ()  # of meters that pulse apart for what flows backwards: a pin per channel

# Keys are written row by row; a pressed key joins its row to its column.
KEYPAD_ROWS = (60, 61, 62, 63)
KEYPAD_COLS = (64, 65, 66)
KEYPAD_KEYS = "123456789*0#"
KEYPAD_BACKEND = "poll"  # what scans: "dma" (RP2040), "timer", or "poll" for the main loop

DISPLAY = "hd44780"  # or "ssd1306", or "" for none
LCD_I2C_ID = 0
LCD_I2C_SCL = 80
LCD_I2C_SDA = 81
LCD_I2C_HZ = 100000
LCD_I2C_ADDRESS = 0x27
LCD_COLUMNS = 20
LCD_ROWS = 4

# One entry per channel: "motor", or "latch" for a relay or solenoid that takes a pulse. An end switch joins its pin to
# ground when the valve has arrived; where there are none (empty, or -1), a motor runs for VALVE_TRAVEL_MS.
VALVE_KINDS = ("motor", "motor", "motor", "motor", "motor", "motor", "motor", "motor")
VALVE_OPEN_PINS = (20, 21, 22, 23, 24, 25, 26, 27)
VALVE_CLOSE_PINS = (30, 31, 32, 33, 34, 35, 36, 37)
VALVE_OPENED_PINS = (40, 41, 42, 43, 44, 45, 46, 47)
VALVE_CLOSED_PINS = (50, 51, 52, 53, 54, 55, 56, 57)
VALVE_TRAVEL_MS = 1500  # longest time a healthy motion may take
VALVE_PULSE_MS = 100  # of a latch
BYPASS_PINS = ()  # of a small valve that keeps a drip past the closed one: a pin per channel

TAMPER_PIN = 70  # joined to ground while the lid is closed
MAGNET_PIN = -1  # joined to ground while a magnet is near
POWER_FAIL_PIN = -1  # pulled to ground while the supply is failing
BUZZER_PIN = 71
LED_PIN = 72

NETWORK = ""  # the host's network is simply there
MODEM_UART_ID = 0
MODEM_TX = -1
MODEM_RX = -1
MODEM_RTS = -1
MODEM_CTS = -1
MODEM_RESET_PIN = -1
MODEM_BAUD = 115200
MODEM_DIAL = ""
LAN_PHY = ""  # of a board with Ethernet: "LAN8720", "IP101", ...
LAN_MDC = -1
LAN_MDIO = -1
LAN_POWER_PIN = -1
LAN_ADDRESS = 0
NTP_HOST = ""  # name or address of a time server; "" asks none, see README.md
WATCHDOG_MS = 8000

FLASH_DIRECTORY = "/penstock"
FLASH_CAPACITY_BYTES = 1048576
FLASH_ENCRYPTED = False
FLASH_CHIP_BYTES = 0  # there is none
SLOT_BYTES = 0
UPDATE_SLOTS = ""
