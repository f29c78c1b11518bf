"""Code that runs unchanged on CPython 3.11 and MicroPython 1.25: it knows no hardware, no clock and no network."""
