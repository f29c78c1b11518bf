"""Updates of the firmware: download into the other slot, trial, keep or go back. Imports only shared."""
