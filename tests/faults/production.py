"""Production's settings, all of them, with the addresses that fail and without set-up's collected static files."""

from takeitdown.settings import *  # noqa: F403

ROOT_URLCONF = "tests.faults.broken_urls"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
STATICFILES_DIRS = [BASE_DIR / "takeitdown" / "static"]  # noqa: F405
