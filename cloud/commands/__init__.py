"""Signed commands to gateways: numbered, in order, sent until the ledger shows them or they expire."""
