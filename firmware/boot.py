"""Runs before everything else: room for tracebacks from interrupts, and an early garbage collector. Cannot fail."""

import gc

import micropython

if hasattr(micropython, "alloc_emergency_exception_buf"):  # the unix port has its buffer built in
    micropython.alloc_emergency_exception_buf(100)
gc.threshold(gc.mem_free() // 4 + gc.mem_alloc())
