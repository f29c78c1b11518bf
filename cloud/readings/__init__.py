"""Hourly readings: the droppable stream of a gateway, compared with what its signed ledger says of each day."""
