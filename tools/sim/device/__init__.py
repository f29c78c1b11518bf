"""What runs inside MicroPython on the simulated board, below the firmware."""
