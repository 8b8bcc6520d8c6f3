"""The platforms' side as staff see it: facts, and the processes they may press."""

from partners.admin import key, partner, reading, report

__all__ = ["key", "partner", "reading", "report"]
