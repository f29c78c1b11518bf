"""The gateway: meters, takes tokens, enforces credit and keeps its ledger with no network at all."""
