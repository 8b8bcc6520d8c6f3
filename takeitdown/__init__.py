"""Wiring, and the leaves every room may use."""
