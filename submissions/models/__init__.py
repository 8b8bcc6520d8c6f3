"""The reporter's side: cases nobody can be found by, and where else to get help."""

from submissions.models.case import About, Case, Fingerprint, Submission
from submissions.models.door import GuessBudget, IntakeReceipt
from submissions.models.message import Message
from submissions.models.place import Helpline, RemovalPage

__all__ = [
    "About",
    "Case",
    "Fingerprint",
    "GuessBudget",
    "Helpline",
    "IntakeReceipt",
    "Message",
    "RemovalPage",
    "Submission",
]
