"""The cloud: vends tokens, takes in signed ledgers, and verifies every increase of every balance."""
