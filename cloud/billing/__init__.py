"""Post-paid mode: bills from verified registers, their payment, arrears, and the way from and to prepayment."""
