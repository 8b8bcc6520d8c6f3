"""The platforms' side as staff see it: facts, and the processes they may press."""

from partners.admin import application, key, partner, reading, report, self_test, webhook

__all__ = ["application", "key", "partner", "reading", "report", "self_test", "webhook"]
