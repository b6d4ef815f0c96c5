"""Django settings of the room, and the environment variables that change them; `docs/running.md` documents these.

No secret comes from the repository: `comity serve` generates what a fresh installation needs in the data folder, and
passes it in the environment.
"""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF

from comity.apps.i18n import APPS
from comity.review import fonts
from comity.web import environment, identity_providers

# The room's own data: books, uploads, computed results.
DATA = Path(os.environ.get("COMITY_DATA", Path.home() / ".local" / "share" / "comity"))
BOOKS = DATA / "books"

# Organisations that sign their own people in, as `sign-in.toml` in the data folder says.
ORGANISATIONS = identity_providers.read_identity_providers(DATA)
PROTOCOLS = sorted({one.protocol for one in ORGANISATIONS} | {"openid_connect"})

SECRET_KEY = os.environ.get("COMITY_SECRET_KEY", "")
DEBUG = False
# Host names of the room, separated by commas. With `https` among COMITY_ORIGINS all cookies are secure.
ALLOWED_HOSTS = os.environ.get("COMITY_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
ORIGINS = [one for one in os.environ.get("COMITY_ORIGINS", "").split(",") if one]
CSRF_TRUSTED_ORIGINS = ORIGINS
# Base URL for links in mails; by default where the server listens.
# A folder in which sides leave files, and whether those in one known format are imported unseen.
WATCHED_FOLDER = os.environ.get("COMITY_WATCH", "")
WATCHED_IMPORTS = os.environ.get("COMITY_WATCH_IMPORTS") == "1"
ADDRESS = ORIGINS[0] if ORIGINS else os.environ.get("COMITY_ADDRESS", "http://127.0.0.1:8000")
SECURE = any(one.startswith("https://") for one in ORIGINS)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    *(f"allauth.socialaccount.providers.{one}" for one in PROTOCOLS),
    "allauth.usersessions",
    "axes",
    "procrastinate.contrib.django",
    "comity.apps.help",
    "comity.apps.parties",
    "comity.apps.personal",
    "comity.apps.audit",
    "comity.apps.outbox",
    "comity.apps.record",
    "comity.apps.replies",
    "comity.apps.books",
    "comity.apps.kpis",
    "comity.apps.agreements",
    "comity.apps.priorities",
    "comity.apps.ledger",
    "comity.apps.matters",
    "comity.apps.mailbox",
    "comity.apps.reviews",
    "comity.apps.first_run",
    "comity.apps.notifications",
    "comity.apps.today",
    "comity.web",
]
MIDDLEWARE = [
    "comity.web.health.HealthMiddleware",
    "comity.web.errors.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "comity.apps.parties.sessions.SessionLifetimeMiddleware",
    "comity.apps.parties.member_context.ViewerMiddleware",
    "comity.web.clock.ClockMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "comity.web.urls"
WSGI_APPLICATION = "comity.web.wsgi.application"

# The database -----------------------------------------------------------------------------------------------------


def _database(name: str, url: str, role: str) -> dict[str, object]:
    """Return database settings from a URL, or from what `comity serve` passes of its own cluster.

    The viewer is set for one transaction, which belongs to one request, so that a connection pool is safe.
    """
    options = f"-c comity.app_role={APP_ROLE}"
    common = {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,  # a killed PostgreSQL is restarted: no request may fail on a dead connection
        "OPTIONS": {"options": options},
    }
    if url:
        return common | environment.database(name, url, options)
    return common | {
        "NAME": "comity",
        "USER": role,
        "PASSWORD": os.environ.get(f"{role.upper()}_PASSWORD", ""),
        "HOST": os.environ.get("COMITY_SOCKET", ""),
        "PORT": "",
    }


# DATABASE_URL: as the app, a role that owns nothing; DATABASE_OWNER_URL: as the owner, who makes tables, and only where
# they are made. Without them the room's own cluster is used.
_URL, _OWNER_URL = os.environ.get("DATABASE_URL", ""), os.environ.get("DATABASE_OWNER_URL", "")
APP_ROLE = unquote(urlsplit(_URL).username or "") if _URL else "comity_app"
DATABASES = {"default": _database("DATABASE_URL", _URL, "comity_app")}
if _OWNER_URL or os.environ.get("COMITY_OWNER_PASSWORD"):
    DATABASES["owner"] = _database("DATABASE_OWNER_URL", _OWNER_URL, "comity_owner")
# The same database on a connection of its own, outside of the request's transaction: see `shared_cache`.
DATABASES["cache"] = {**DATABASES["default"]}
CACHES = {
    "default": {
        "BACKEND": "comity.web.shared_cache.SharedCache",
        "LOCATION": "comity_cache",
        "OPTIONS": {"database": "cache"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People -----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "parties.Person"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "account_login", "/", "account_login"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # the token of the invitation has proven the address
ACCOUNT_ADAPTER = "comity.apps.parties.sign_in.AccountAdapter"
ACCOUNT_REAUTHENTICATION_REQUIRED = True
SOCIALACCOUNT_ADAPTER = "comity.apps.parties.sign_in.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS = {
    protocol: {"APPS": [one.app for one in ORGANISATIONS if one.protocol == protocol]} for protocol in PROTOCOLS
}
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX = ""
MFA_ALLOW_UNVERIFIED_EMAIL = True  # as above
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE  # on this machine alone; browsers refuse it elsewhere
# Lockout counts by person and IP address together, never by person alone: else wrong passwords from anywhere would lock
# somebody out everywhere.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip"}
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "comity.apps.parties.sign_in.attempted_email"
AXES_VERBOSE = False
# Number of proxies that each add to X-Forwarded-For; without it all requests seem to come from the proxy, and one who
# guesses passwords locks everybody out.
ALLAUTH_TRUSTED_PROXY_COUNT = environment.whole_number("COMITY_PROXIES", os.environ.get("COMITY_PROXIES", "0"))
AXES_CLIENT_IP_CALLABLE = "comity.apps.parties.sign_in.client_ip"
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # the proxy in front sends browsers to HTTPS; see docs/running.md

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600  # of an idle session
LONGEST_SESSION_S = 14 * 24 * 3600  # of any, from its sign-in on
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "script-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # The sign-in form redirects to the identity provider of an organisation.
        "form-action": [SELF, *(origin for one in ORGANISATIONS for origin in one.origins)],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Pages ------------------------------------------------------------------------------------------------------------

_HERE = Path(__file__).parent
_APPS = _HERE.parent / "apps"
# Widgets by compiled templates: with Django's own, half the time of a page of forms went into its widgets.
FORM_RENDERER = "django.forms.renderers.Jinja2"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "ours",
        "DIRS": [
            _HERE / "templates",
            *(_APPS / app / "templates" for app in APPS),
            _HERE.parent / "review" / "templates",
        ],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "comity.web.jinja.environment",
            "context_processors": ["comity.web.jinja.context"],
            "trim_blocks": True,
            "lstrip_blocks": True,
        },
    },
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "NAME": "theirs",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]
STATIC_URL = "static/"
STATICFILES_DIRS = [
    ("comity", _HERE.parent / "review" / "styles"),
    ("comity", _HERE / "static"),
    ("comity/fonts", fonts.prepare()),
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"\.[0-9a-f]{12}\.woff2$"  # another font has another name
LANGUAGE_CODE, LANGUAGES = "en", [("en", "English"), ("es", "Español")]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Uploads: held in memory up to 2 MB, then on disk; refused beyond 2 GB.
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
LARGEST_UPLOAD = 2 * 1024**3

# Mails wait in the database, written by the request's own transaction, until a job hands them to the mail server.
EMAIL_BACKEND = "comity.apps.outbox.mail.OutboxBackend"
MAIL_SERVER_BACKEND = os.environ.get("COMITY_EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = DATA / "mails"
EMAIL_TIMEOUT = 30  # seconds that a job waits for a mail server
# The mail server itself; where it is named, mails go there unless COMITY_EMAIL_BACKEND says otherwise.
if os.environ.get("COMITY_MAIL_SERVER"):
    globals().update(environment.mail_server("COMITY_MAIL_SERVER", os.environ["COMITY_MAIL_SERVER"]))
    if not os.environ.get("COMITY_EMAIL_BACKEND"):
        MAIL_SERVER_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
DEFAULT_FROM_EMAIL = os.environ.get("COMITY_FROM", "comity@localhost")
# The mailbox that replies and mails that come back go to, its address, and the name of the mail server that checks who
# sent them. Without it no mail is read, and pages say so.
MAILBOX = environment.mailbox("COMITY_MAILBOX", os.environ.get("COMITY_MAILBOX", ""))
MAILBOX_ADDRESS = environment.mailbox_address(
    "COMITY_MAILBOX_ADDRESS", os.environ.get("COMITY_MAILBOX_ADDRESS", ""), is_read=MAILBOX is not None
)
MAILBOX_CHECKED_BY = environment.host_name("COMITY_MAILBOX_CHECKED_BY", os.environ.get("COMITY_MAILBOX_CHECKED_BY", ""))

# The certificate by which files of the agreement are sealed, the time authority that stamps them, and the authorities
# that are trusted where a PDF comes back signed. Without them files are not sealed, and say so.
SEAL = environment.seal_file(
    "COMITY_SEAL", os.environ.get("COMITY_SEAL", ""), os.environ.get("COMITY_SEAL_PASSPHRASE", "")
)
SEAL_STAMP = environment.web_address("COMITY_SEAL_STAMP", os.environ.get("COMITY_SEAL_STAMP", ""))
TRUSTED = environment.certificates_file("COMITY_TRUSTED", os.environ.get("COMITY_TRUSTED", ""))

# In addition to the console, so that errors of background workers can be looked up.
LOGS = DATA / "logs"
_HANDLERS: dict[str, dict[str, object]] = {"console": {"class": "logging.StreamHandler", "formatter": "plain"}}
if LOGS.is_dir():  # made by `comity serve`; other commands may have none
    # WatchedFileHandler reopens the file after logrotate has moved it; several processes write to it.
    _HANDLERS["file"] = {
        "class": "logging.handlers.WatchedFileHandler",
        "filename": LOGS / "comity.log",
        "formatter": "dated",
        "delay": True,
    }
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "comity.web.log_format.RedactingFormatter",
            "fmt": "{levelname} {name} {message}",
            "style": "{",
        },
        "dated": {
            "()": "comity.web.log_format.RedactingFormatter",
            "fmt": "{asctime} {levelname} {name} {message}",
            "style": "{",
        },
    },
    "handlers": _HANDLERS,
    "root": {"handlers": list(_HANDLERS), "level": "WARNING"},
    # gunicorn's own handlers would write URLs without redacting their tokens.
    "loggers": {
        "axes": {"level": "ERROR"},
        **{name: {"handlers": list(_HANDLERS), "propagate": False} for name in ("gunicorn.error", "gunicorn.access")},
    },
}
