"""Every setting, in sections. What differs between deployments is read by `env`; nothing unsafe has a default."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import redis.exceptions

from takeitdown import env, logs, static_headers
from takeitdown.database import from_url

# --- where things are -------------------------------------------------------------------------------------------
BASE_DIR = env.BASE_DIR
VAR = env.VAR
EMBEDDED = env.EMBEDDED  # SQLite, two embedded Redis, generated keys: for trying out, on one machine
DEBUG = False

PUBLIC_URL = env.text("PUBLIC_URL", "http://localhost:8000") if EMBEDDED else env.required("PUBLIC_URL")
_public = urlsplit(PUBLIC_URL)
HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = (
    [_public.hostname or "", "localhost", "127.0.0.1", "[::1]"]
    if EMBEDDED
    else env.listed("ALLOWED_HOSTS", _public.hostname or "")
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# --- keys -------------------------------------------------------------------------------------------------------
SECRET_KEY = env.required("SECRET_KEY")
# `version:hex` pairs, newest first: HMAC keys of case numbers and PINs. Losing them loses every case.
PEPPERS = env.required("PEPPERS").split(",")
# HKDF master from which a case's number and PIN are derived, so that a retry shows them again.
RECEIPT_MASTER = env.required("RECEIPT_MASTER")
# HKDF master from which each webhook's secrets are derived, so that no table holds anything that signs.
WEBHOOK_MASTER = env.required("WEBHOOK_MASTER")

# --- the list ---------------------------------------------------------------------------------------------------
LIST_ORIGIN = env.text("LIST_ORIGIN", _public.hostname or "localhost")  # key name in every signed note (LIST.md §3)
# Read by the sequencer alone; give this file to no other process.
SIGNING_KEY_FILE = Path(env.text("SIGNING_KEY_FILE", str(VAR / "signing.key")))
WITHDRAWAL_LEDGER = Path(env.text("WITHDRAWAL_LEDGER", str(VAR / "withdrawals.ledger")))
SNAPSHOT_DIR = Path(env.text("SNAPSHOT_DIR", str(VAR / "snapshots")))
ANONYMITY_CASES = env.number("ANONYMITY_CASES", 1 if EMBEDDED else 3)  # additions wait for so many cases …
ANONYMITY_SECONDS = env.number("ANONYMITY_SECONDS", 2 if EMBEDDED else 600)  # … or so long; removals never wait
MIN_WAIT_SECONDS = env.number("MIN_WAIT_SECONDS", 60)  # between two polls of one platform
SNAPSHOTS_PER_DAY = env.number("SNAPSHOTS_PER_DAY", 6)  # whole copies of the list a platform may take (LIST.md §4)
CHANGES_KEPT = env.number("CHANGES_KEPT", 1_000_000)  # a platform further behind takes a snapshot
HEAD_LIFETIME = timedelta(hours=24)
HEAD_SIGNED_AGAIN_AFTER = timedelta(minutes=55)  # "at least hourly", with room for a slow tick
STAMP_GOOD_FOR_SECONDS = 3  # a batch that commits later than this after its stamp rolls back

# --- applications -----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.Account"
INSTALLED_APPS = [
    "takeitdown.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "django_ratelimit",
    "takeitdown.apps.TakeItDownConfig",
    "takeitdown.accounts",
    "takeitdown.audit",
    "takeitdown.approvals",
    "matching",
    "submissions",
    "partners",
]
MIDDLEWARE = [
    "takeitdown.middleware.ForgetWhoIsAsking",  # first: nothing behind it knows an address, an agent or a referrer
    "takeitdown.middleware.StandingHeaders",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "takeitdown.middleware.SlashesForPeople",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "takeitdown.accounts.sessions.SessionsEnd",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "takeitdown.urls"
WSGI_APPLICATION = "takeitdown.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- database, broker, cache ------------------------------------------------------------------------------------
DATABASES = {"default": from_url(env.text("DATABASE_URL") or f"sqlite:///{VAR / 'portal.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_SOCKETS = env.redis_sockets()  # a unix socket's path is limited to about 107 bytes
BROKER_URL = env.text("BROKER_URL") or f"redis+socket://{REDIS_SOCKETS / 'broker.sock'}?virtual_host=0"
CACHE_URL = env.text("CACHE_URL") or f"unix://{REDIS_SOCKETS / 'limits.sock'}?db=0"
_limits_redis = {"LOCATION": CACHE_URL, "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25}}
CACHES = {
    "default": {"BACKEND": "takeitdown.limits.StandInCache", **_limits_redis},  # logins; goes on without Redis
    "limits": {"BACKEND": "takeitdown.limits.LimitsCache", **_limits_redis},  # says so when it cannot count
}

# --- Celery: the database is the queue, Redis only the doorbell --------------------------------------------------
CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,  # longer than the longest task of these queues, shorter than an outage we would notice
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,  # with the default of 10 a killed worker's task waits 90 s; with this, 11 s
    "socket_timeout": 1,
    "socket_connect_timeout": 1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SOFT_TIME_LIMIT = 45
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
CELERY_TIMEZONE = "UTC"

# --- sockets that we open: webhooks alone ------------------------------------------------------------------------
# Networks, ports and a CA file that tests reach besides the public internet, `127.0.0.0/8:9000-9100` and a path;
# start-up refuses them outside the embedded try-out.
OUTBOUND_TEST_NETWORKS = env.listed("OUTBOUND_TEST_NETWORKS")
OUTBOUND_TEST_CA = env.text("OUTBOUND_TEST_CA")

# --- requests ---------------------------------------------------------------------------------------------------
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # one report; bodies beyond it are refused unread
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
DATA_UPLOAD_MAX_NUMBER_FILES = 0
INTAKE_RATE = env.text("INTAKE_RATE", "240/m")  # reports from one address: a school or a Tor exit is one, too
UNLOCK_RATE = env.text("UNLOCK_RATE", "60/m")  # tries from one address; each number has a budget besides
API_RATE = env.text("API_RATE", "600/m")  # requests with one opt-in key; min_wait_seconds asks for far fewer
LEAVE_TO = env.text("LEAVE_TO", "https://www.wikipedia.org/")  # where Exit leads: neutral, fixed, quick to appear
TRUSTED_PROXIES = env.listed("TRUSTED_PROXIES")  # networks whose X-Forwarded-For is believed, rightmost untrusted first
RATELIMIT_USE_CACHE = "limits"
RATELIMIT_FAIL_OPEN = True
RATELIMIT_IPV6_MASK = 128  # a pseudonym has no network part: every bit of it counts
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.W001"]  # LimitsCache is Django's own RedisCache, made to fail open

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["partners.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["partners.api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["takeitdown.api.strict_json.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "takeitdown.api.schema.ProblemAwareSchema",
    "EXCEPTION_HANDLER": "takeitdown.api.problems.problem",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Take It Down, for platforms",
    "DESCRIPTION": "Pull the hash list, prove your copy, report what became of a match.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": [],  # closed lists stand where they are used, not under generated names
}

# --- headers ----------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:"],  # a picture on the device: old browsers decode in no other way
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["takeitdown"],
    }
}
# The script that reads pictures may not use the network at all: the browser enforces it.
WORKER_SECURITY_POLICY = "default-src 'none'; script-src 'wasm-unsafe-eval'"
SECURE_REFERRER_POLICY = "same-origin"  # not no-referrer: browsers would then send `Origin: null` with our own forms
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^hashsharing/", r"^stopncii/", r"^health/"]  # a redirect would have leaked Basic
if env.flag("BEHIND_TLS_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- people who log in: staff and partners' members --------------------------------------------------------------
SESSION_COOKIE_NAME = "tid_account"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_NAME = "tid_form"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "takeitdown.accounts.stale_form.stale_form"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/console/"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "takeitdown.accounts.adapter.ClosedDoor"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # members' addresses are verified by their invitation
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_CHANGE_EMAIL = True  # one address to an account; a new one takes its place once it is confirmed
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before a password or an address is changed
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Take It Down: "
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # asking for a new password sends no mail to strangers; the page says the same
MFA_ADAPTER = "takeitdown.accounts.seeds.SealedSeeds"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _public.scheme
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Take It Down"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses are verified by the invitation, not by allauth
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = EMBEDDED and not HTTPS

# --- mail to platforms; reporters get none ------------------------------------------------------------------------
# A server by SMTP where one is named, else files in var/mail for whoever tries the portal out.
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.number("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL")  # TLS from the first byte, port 465
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=not EMAIL_USE_SSL)  # STARTTLS
EMAIL_TIMEOUT = 5  # somebody waits for the page that sends it
_mail_by = "smtp" if EMAIL_HOST else "filebased"
EMAIL_BACKEND = env.text("EMAIL_BACKEND", f"django.core.mail.backends.{_mail_by}.EmailBackend")
EMAIL_FILE_PATH = VAR / "mail"
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"Take It Down <platforms@{_public.hostname}>")

# --- languages, times, static files ------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
# Each in its own words, for whoever reads no other. The reporter's pages alone: staff's and platforms' stay English.
LANGUAGES = [("en", "English"), ("es", "Español"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "takeitdown" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "takeitdown" / "static", VAR / "static-built"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "takeitdown.staticfiles.ModuleManifestStorage"},
}
WHITENOISE_ADD_HEADERS_FUNCTION = static_headers.add_headers
MEDIA_ROOT = VAR / "nothing-is-uploaded"

LOGGING = logs.config(to=env.text("LOG_FILE"))
LOGGING_CONFIG = "logging.config.dictConfig"

# Which failures of the limits' Redis mean "go on without it".
LIMITS_MAY_FAIL_WITH = (redis.exceptions.RedisError, OSError)
