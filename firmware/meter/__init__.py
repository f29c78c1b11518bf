"""Metering without hardware: registers, charges, the judgement of tokens, the valve."""
