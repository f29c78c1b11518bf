"""The simulated board: the firmware unchanged under real MicroPython, and the taps, keys and valves around it."""
