"""The only folder that touches machine. A driver gets ready-made pins, decides nothing and prints nothing."""
