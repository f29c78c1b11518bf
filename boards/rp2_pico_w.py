"""Raspberry Pi Pico W (RP2040): two meters, pulses counted by PIO, MicroPython 1.26 or newer."""

BOARD = "rp2_pico_w"
MAX_METERS = 2

# State machines count while interrupts are off for the flash. "hard_irq" does without them, see README.md.
PULSE_BACKEND = "pio"
PULSE_PINS = (9, 10)
PULSE_MIN_WIDTH_MS = 10
REVERSE_PINS = ()  # of meters that pulse apart for what flows backwards: a pin per channel

# Keys are written row by row; a pressed key joins its row to its column.
KEYPAD_ROWS = (2, 3, 4, 5)
KEYPAD_COLS = (6, 7, 8)
KEYPAD_KEYS = "123456789*0#"
KEYPAD_BACKEND = "dma"  # what scans: "dma" (RP2040), "timer", or "poll" for the main loop

DISPLAY = "hd44780"  # or "ssd1306", or "" for none
LCD_I2C_ID = 0
LCD_I2C_SCL = 1
LCD_I2C_SDA = 0
LCD_I2C_HZ = 100000  # the PCF8574 ends there
LCD_I2C_ADDRESS = 0x27
LCD_COLUMNS = 20
LCD_ROWS = 4

# One entry per channel: "motor", or "latch" for a relay or solenoid that takes a pulse. An end switch joins its pin to
# ground when the valve has arrived; where there are none (empty, or -1), a motor runs for VALVE_TRAVEL_MS.
VALVE_KINDS = ("motor", "motor")
VALVE_OPEN_PINS = (11, 13)
VALVE_CLOSE_PINS = (12, 14)
VALVE_OPENED_PINS = (15, 17)
VALVE_CLOSED_PINS = (16, 18)
VALVE_TRAVEL_MS = 10000
VALVE_PULSE_MS = 100  # of a latch
BYPASS_PINS = ()  # of a small valve that keeps a drip past the closed one: a pin per channel

TAMPER_PIN = 19  # joined to ground while the lid is closed
MAGNET_PIN = -1  # joined to ground while a magnet is near
POWER_FAIL_PIN = -1  # pulled to ground while the supply is failing
BUZZER_PIN = 20
LED_PIN = 21

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
WATCHDOG_MS = 8000  # the chip's longest is 8388 ms

FLASH_DIRECTORY = "/penstock"
FLASH_CAPACITY_BYTES = 434176  # of the 512 KB that a build with a ROMFS leaves to its file system
FLASH_ENCRYPTED = False  # the chip cannot
FLASH_CHIP_BYTES = 2097152
SLOT_BYTES = 327680  # of each of the two halves of its ROMFS partition, see docs/updates.md
UPDATE_SLOTS = "romfs"
