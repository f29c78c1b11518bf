"""The whole story of a payment, played against real parts and told step by step."""
