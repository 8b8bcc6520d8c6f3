"""Reference client of Take It Down for platforms: an exact, proven copy of the hash list, and matching against it.

The list's protocol is LIST.md of the portal. This package shares no code with the portal's server; the two are held
together by one file of test vectors. A match means review, never an automatic penalty.
"""

__version__ = "0.1.0"
