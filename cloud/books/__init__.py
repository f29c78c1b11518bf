"""The double-entry books: what moved, between which accounts, and who moved it; nothing in them is ever changed."""
