"""Harmless pictures for a platform to try its matcher on: drawn, edited and packed by rule. Pure: no Django."""
