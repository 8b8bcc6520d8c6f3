"""The list as staff see it: facts, the queue, and what they may ask for. Never a fingerprint, never a reporter."""

from matching.admin import entry, harmless, lists, queue, reader

__all__ = ["entry", "harmless", "lists", "queue", "reader"]
