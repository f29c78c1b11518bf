"""Utilities, gateways, meters, and the enrolment of a gateway."""
