"""The door gunicorn opens."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeitdown.settings")
application = get_wsgi_application()

from takeitdown import checks  # noqa: E402  settings must be there first

checks.refuse_unsafe()
