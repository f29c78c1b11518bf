"""Points of sale: agents who sell from a float that they paid in, and the tills of the utility's own cashiers."""
