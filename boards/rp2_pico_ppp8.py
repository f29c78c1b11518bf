"""A Pico-like RP2040 board with 4 MB of flash, a modem by PPP and two MCP23017: eight meters, an image of our own."""

BOARD = "rp2_pico_ppp8"
MAX_METERS = 8

# State machines count while interrupts are off for the flash. "hard_irq" does without them, see README.md.
PULSE_BACKEND = "pio"
PULSE_PINS = (9, 10, 11, 12, 13, 14, 15, 16)  # all eight state machines
PULSE_MIN_WIDTH_MS = 10
REVERSE_PINS = ()  # of meters that pulse apart for what flows backwards: a pin per channel

# Keys are written row by row; a pressed key joins its row to its column.
KEYPAD_ROWS = (26, 27, 4, 5)
KEYPAD_COLS = (6, 7, 8)
KEYPAD_KEYS = "123456789*0#"
KEYPAD_BACKEND = "dma"  # what scans: "dma" (RP2040), "timer", or "poll" for the main loop

DISPLAY = "hd44780"  # or "ssd1306", or "" for none
LCD_I2C_ID = 0
LCD_I2C_SCL = 21
LCD_I2C_SDA = 20
LCD_I2C_HZ = 100000  # the PCF8574 ends there
LCD_I2C_ADDRESS = 0x27
LCD_COLUMNS = 20
LCD_ROWS = 4

# One entry per channel: "motor", or "latch" for a relay or solenoid that takes a pulse. An end switch joins its pin to
# ground when the valve has arrived; where there are none (empty, or -1), a motor runs for VALVE_TRAVEL_MS.
VALVE_KINDS = ("motor", "motor", "motor", "motor", "motor", "motor", "motor", "motor")
# Expander pins: 100 + 16 * (address - 0x20) + bit. Four meters each; their bits 7 and 15 can only be outputs.
VALVE_OPEN_PINS = (104, 105, 106, 107, 120, 121, 122, 123)
VALVE_CLOSE_PINS = (112, 113, 114, 115, 128, 129, 130, 131)
VALVE_OPENED_PINS = (100, 101, 102, 103, 116, 117, 118, 119)
VALVE_CLOSED_PINS = (108, 109, 110, 111, 124, 125, 126, 127)
VALVE_TRAVEL_MS = 10000
VALVE_PULSE_MS = 100  # of a latch
BYPASS_PINS = ()  # of a small valve that keeps a drip past the closed one: a pin per channel

TAMPER_PIN = 19  # joined to ground while the lid is closed
MAGNET_PIN = 18  # joined to ground while a magnet is near
POWER_FAIL_PIN = 17  # pulled to ground while the supply is failing
BUZZER_PIN = 22
LED_PIN = 25

NETWORK = "ppp"  # "wifi", "lan", "ppp", or "" for none that has to be joined
MODEM_UART_ID = 0
MODEM_TX = 0
MODEM_RX = 1
MODEM_RTS = 3  # the modem waits while flash is erased; without the two lines bytes are lost then, and sent again
MODEM_CTS = 2
MODEM_RESET_PIN = 28  # low for a moment makes the modem start afresh
MODEM_BAUD = 115200
MODEM_DIAL = "at"  # "at": a modem that is dialled; "direct": PPP at once, as over a leased line or a cable
LAN_PHY = ""  # of a board with Ethernet: "LAN8720", "IP101", ...
LAN_MDC = -1
LAN_MDIO = -1
LAN_POWER_PIN = -1
LAN_ADDRESS = 0
NTP_HOST = ""  # name or address of a time server; "" asks none, see README.md
WATCHDOG_MS = 8000  # the chip's longest is 8388 ms

FLASH_DIRECTORY = "/penstock"
FLASH_CAPACITY_BYTES = 2097152  # of the 2324 KB that the two slots leave to the file system
FLASH_ENCRYPTED = False  # the chip cannot
FLASH_CHIP_BYTES = 4194304
SLOT_BYTES = 901120  # of each of the two that the flash is shared by, see docs/updates.md
UPDATE_SLOTS = "image"
