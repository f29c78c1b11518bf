"""ESP32-WROOM-32 DevKit (30 or 38 pins): two meters, hardware pulse counters, MicroPython 1.26 or newer."""

BOARD = "esp32_devkit"
MAX_METERS = 2

# machine.Counter (PCNT) counts without the processor. Its filter ends at 12.8 us: the RC filter of README.md is needed.
PULSE_BACKEND = "counter"
PULSE_PINS = (34, 35)  # inputs only, no internal pull-up: 10 kohm to 3V3 on the board
PULSE_MIN_WIDTH_MS = 0
REVERSE_PINS = ()  # of meters that pulse apart for what flows backwards: a pin per channel

# Keys are written row by row; a pressed key joins its row to its column.
KEYPAD_ROWS = (13, 14, 27, 26)
KEYPAD_COLS = (25, 33, 32)
KEYPAD_KEYS = "123456789*0#"
KEYPAD_BACKEND = "timer"  # what scans: "dma" (RP2040), "timer", or "poll" for the main loop

DISPLAY = "hd44780"  # or "ssd1306", or "" for none
LCD_I2C_ID = 0
LCD_I2C_SCL = 22
LCD_I2C_SDA = 21
LCD_I2C_HZ = 100000  # the PCF8574 ends there
LCD_I2C_ADDRESS = 0x27
LCD_COLUMNS = 20
LCD_ROWS = 4

# One entry per channel: "motor", or "latch" for a relay or solenoid that takes a pulse. An end switch joins its pin to
# ground when the valve has arrived; where there are none (empty, or -1), a motor runs for VALVE_TRAVEL_MS.
VALVE_KINDS = ("motor", "motor")
VALVE_OPEN_PINS = (16, 18)
VALVE_CLOSE_PINS = (17, 19)
VALVE_OPENED_PINS = (36, 4)  # 36 and 39 are inputs only: 10 kohm to 3V3 on the board
VALVE_CLOSED_PINS = (39, 5)
VALVE_TRAVEL_MS = 10000
VALVE_PULSE_MS = 100  # of a latch
BYPASS_PINS = ()  # of a small valve that keeps a drip past the closed one: a pin per channel

TAMPER_PIN = 23  # joined to ground while the lid is closed
MAGNET_PIN = -1  # joined to ground while a magnet is near
POWER_FAIL_PIN = -1  # pulled to ground while the supply is failing
BUZZER_PIN = 15
LED_PIN = 2

NETWORK = "wifi"  # "wifi", "lan", "ppp", or "" for none that has to be joined
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
FLASH_CAPACITY_BYTES = 1048576  # of the 1408 KB of its file system
FLASH_ENCRYPTED = False  # the stock firmware does not switch flash encryption on, see README.md
FLASH_CHIP_BYTES = 4194304
SLOT_BYTES = 393216  # of each of the two halves of its ROMFS partition, see docs/updates.md
UPDATE_SLOTS = "romfs"
