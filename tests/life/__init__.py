"""Years of a gateway's life at random: what must hold at every entry, by models of their own."""
