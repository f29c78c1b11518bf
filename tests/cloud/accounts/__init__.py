"""Tests of customers, places and accounts."""
