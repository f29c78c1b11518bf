"""STS prepayment tokens (IEC 62055-41): values to twenty digits and back, one file per step of the standard."""
