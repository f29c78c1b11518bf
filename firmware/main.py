"""Starts the gateway. If it ever ends, the reason is kept for the next start, and the board starts afresh.

What crashes again and again is started with less of it (firmware/resets.py). A board without a file system is left to
the provisioning tool, which alone makes one: a damaged one may be evidence.
"""

import sys
import time

_TOOL_MS = 10000  # in which the installer's tool can stop a board that cannot read its files; it would restart for ever


def run() -> None:
    """Run until something fails that no part knows how to handle; then reset."""
    import firmware.boot  # noqa: F401  room for tracebacks, before anything can fail
    from firmware.drivers.flash import NoFileSystem

    resets = None
    try:
        resets = _resets()
        _run(resets)
        reason = "returned"
    except NoFileSystem:
        print("there is no file system; the provisioning tool makes one")
        return
    except Exception as error:
        sys.print_exception(error)
        reason = repr(error)
    from firmware.drivers import system
    from shared.kinds import RESET_OWN

    if resets is None:
        _stand_still()
        time.sleep_ms(_TOOL_MS)
    else:
        resets.leave(RESET_OWN, "main: " + reason, crash=True)
    system.reset()


def _resets():
    """Why the board starts, from the chip and from flash."""
    import board

    from firmware.core import FIRMWARE_VERSION
    from firmware.drivers import system
    from firmware.drivers.flash import Flash
    from firmware.resets import Resets

    flash = Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES)
    return Resets(flash, system.start_cause(), FIRMWARE_VERSION)


def _stand_still():
    """No file can be read: motors that an expander would drive on stop, and the display says so, where that works."""
    try:
        import board

        from firmware.drivers import hardware

        lcd = hardware.counting_parts(board)[1]
        if lcd is not None:
            lcd.show(("SERVICE NEEDED",))
    except Exception as error:
        sys.print_exception(error)


def _run(resets):
    from firmware.resets import LAST_RESORT

    if resets.level == LAST_RESORT:
        from firmware import bare

        bare.run(resets)
    else:
        from firmware import app

        app.run(resets)


if __name__ == "__main__":
    run()
