"""Ledgers as the gateways signed them: taken in once, verified entry by entry, and kept as evidence."""
