"""Starts the gateway. If it ever ends, the reason is printed and the board starts afresh.

A board without a file system is left to the provisioning tool, which alone makes one: a damaged one may be evidence.
"""

import sys


def run() -> None:
    """Run until something fails that no part knows how to handle; then reset."""
    import firmware.boot  # noqa: F401  room for tracebacks, before anything can fail
    from firmware.drivers.flash import NoFileSystem

    try:
        from firmware import app

        app.run()
        print("the gateway returned")
    except NoFileSystem:
        print("there is no file system; the provisioning tool makes one")
        return
    except Exception as error:
        sys.print_exception(error)
    from firmware.drivers import system

    system.reset()


if __name__ == "__main__":
    run()
