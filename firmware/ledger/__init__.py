"""The ledger on flash: what append() returned survives, and what the cloud has acknowledged may go."""
