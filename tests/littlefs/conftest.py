"""What needs littlefs runs under MicroPython (`make test-mpy`): CPython has no `vfs`."""

collect_ignore_glob = ["test_*.py"]
