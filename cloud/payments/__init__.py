"""Money that customers pay through others: what providers tell, matched to meters, and turned into tokens once."""
