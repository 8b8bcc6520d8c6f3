#!/usr/bin/env python3
"""Django's command line. Started by any Python, it goes on in the portal's own environment, `.venv`."""

import os
import sys

if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  an older Python must be told so, not fail on the next line
        sys.exit("Python is too old: install Python 3.11 or 3.12 (Debian 12: apt-get install python3).")
    from takeitdown import bootstrap

    bootstrap.enter(sys.argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeitdown.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
