"""What was changed, by whom: an append-only chain of entries written in the transaction of the change itself."""
