"""The key store and the sale of tokens."""
