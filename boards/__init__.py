"""One pin map per board: names and numbers, no code. Every map has the same names (tests/tidy checks it)."""
