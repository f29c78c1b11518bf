"""Seeing each purchase through to its meter: what is stuck is healed, and what cannot be healed is told to a person."""
