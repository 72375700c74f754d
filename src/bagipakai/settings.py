"""Django's settings. What differs between installations comes from the environment; there is no debug switch.

| variable | meaning | without it |
|---|---|---|
| `DATABASE_URL` | PostgreSQL ≥ 15, as the owner of the tables (`control setup` only) | one starts under `var/` |
| `OFFICE_DATABASE_URL` | the office's own login | the owner's, stepping down |
| `SEQUENCER_DATABASE_URL`, `REGISTRY_DATABASE_URL` | the sequencer's, the registry's | the same |
| `BAGIPAKAI_VAR` | documents, keys, packages | `var/` |
| `BAGIPAKAI_ORIGIN` | the address people type | `http://localhost:8000` |
| `BAGIPAKAI_ACCEL` | nginx's internal place for packages, `/…/` (`deploy/nginx.conf`) | the office sends the bytes |
"""

import os
import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from bagipakai import postgres
from bagipakai.core.keyfiles import read_secret, write_once

BASE_DIR = Path(__file__).parent
VAR = postgres.var()


def _secret_key() -> str:
    """Kept beside the office's other keys, outside the database and the repository; made at the first start."""
    file = VAR / "keys" / "control" / "session.key"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.parent.chmod(0o700)
    write_once(file, secrets.token_urlsafe(64).encode(), 0o600)
    return read_secret(file).decode()


def _database(role: str) -> dict[str, object]:
    parts = conninfo_to_dict(postgres.url(role))
    known = {"dbname", "user", "password", "host", "port"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname", ""),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "OPTIONS": {name: value for name, value in parts.items() if name not in known},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


ORIGIN = os.environ.get("BAGIPAKAI_ORIGIN", "http://localhost:8000")
_secure = urlsplit(ORIGIN).scheme == "https"

SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = sorted({urlsplit(ORIGIN).hostname or "127.0.0.1", "127.0.0.1", "localhost"})
CSRF_TRUSTED_ORIGINS = [ORIGIN]
ROOT_URLCONF = "bagipakai.urls"
WSGI_APPLICATION = "bagipakai.wsgi.application"
DATABASES = {"default": _database(postgres.OFFICE)}
if postgres.owner_is_known():
    DATABASES["owner"] = {**_database(postgres.OWNER), "TEST": {"MIRROR": "default"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "control.Person"
APPEND_SLASH = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "bagipakai.control",
    "bagipakai.portal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "bagipakai.portal.language.ChosenLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "bagipakai.portal.plain.PlainTextOnly",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

LANGUAGE_CODE = "id"
LANGUAGES = [("id", _("Bahasa Indonesia")), ("en", _("Inggris"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
TIME_ZONE = "Asia/Jakarta"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = True

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "portal:home"
LOGOUT_REDIRECT_URL = "portal:home"

# Sessions: 30 minutes idle, ended with the browser (trust reference §9).
SESSION_COOKIE_AGE = 30 * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_NAME = "__Host-sesi" if _secure else "sesi"
CSRF_COOKIE_NAME = "__Host-csrf" if _secure else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

SECURE_SSL_REDIRECT = _secure
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _secure
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _secure else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "script-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

ACCEL = os.environ.get("BAGIPAKAI_ACCEL", "")
if ACCEL and not re.fullmatch("/[a-z-]+/", ACCEL):
    raise ImproperlyConfigured("BAGIPAKAI_ACCEL must look like /kiriman/")

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 600
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None
FILE_UPLOAD_HANDLERS = [
    "bagipakai.portal.uploading.sealing.SealingHandler",  # first: what it takes never lies readable on a disk
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"pathless": {"()": "bagipakai.portal.logs.Pathless"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["pathless"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "bagipakai": {"level": "INFO"},
        "gunicorn.error": {"level": "INFO", "propagate": True},  # has a handler of its own, which would tell the path
    },
}
