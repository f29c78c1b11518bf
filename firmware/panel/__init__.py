"""Keypad and display without hardware: keys in, lines of text out, time as an argument."""
