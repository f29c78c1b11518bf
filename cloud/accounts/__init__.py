"""The utility's customers."""
