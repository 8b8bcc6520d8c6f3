"""The portal's settings with a folder of their own, quick passwords and no anonymity window."""

import atexit
import os
import secrets
import shutil
import tempfile

if "TAKEITDOWN_VAR" not in os.environ:
    os.environ["TAKEITDOWN_VAR"] = tempfile.mkdtemp(prefix="tid-tests-")
    atexit.register(shutil.rmtree, os.environ["TAKEITDOWN_VAR"], ignore_errors=True)
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop running in the test's thread
if os.environ.get("DATABASE_URL"):  # the PostgreSQL lane: nothing is generated, so the keys are given here
    os.environ.setdefault("PUBLIC_URL", "http://localhost:8000")
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    os.environ.setdefault("PEPPERS", f"1:{secrets.token_hex(32)}")
    os.environ.setdefault("RECEIPT_MASTER", secrets.token_hex(32))
    os.environ.setdefault("WEBHOOK_MASTER", secrets.token_hex(32))

from takeitdown.settings import *  # noqa: F403
from takeitdown.settings import BASE_DIR, DATABASES, VAR

EMBEDDED = True  # on both lanes the portal under test is a try-out; tests of production set it to False themselves
ANONYMITY_CASES = 1
ANONYMITY_SECONDS = 0
MIN_WAIT_SECONDS = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

# A file, not memory: threads and child processes see the same database, with the same locks as the try-out's.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(VAR / "tests.sqlite3")}

# Static files come straight from their folders, yet through our middleware, so that their headers are the real ones.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
_built = BASE_DIR / "var" / "static-built"  # set-up built the worker there; a lane has its own var
if _built.is_dir() and not (VAR / "static-built").exists():
    VAR.mkdir(parents=True, exist_ok=True)
    (VAR / "static-built").symlink_to(_built)
