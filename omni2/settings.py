"""Every setting of OMNI2, each with a default that runs.

Values come from the environment, and from a `.env` file beside `manage.py`. `.env.example` names
and explains them all; a test holds the two lists against each other.
"""

from pathlib import Path

import environ

from omni2 import deployment

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
# The demo and the tests name another file, so that nothing of a deployment reaches them.
env.read_env(env.str("OMNI2_ENV_FILE", default=str(BASE_DIR / ".env")))

VERSION = "0.1.0"

# --- Deployment -----------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("OMNI2_DATA_DIR", default=str(BASE_DIR / "data")))
_generated = deployment.load_or_create(DATA_DIR)
SECRET_KEY = env.str("SECRET_KEY", default="") or _generated.secret_key
# The first key encrypts; the others can still read what an earlier one wrote.
ENCRYPTION_KEYS = env.list("OMNI2_ENCRYPTION_KEYS", default=[]) or [_generated.encryption_key]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
PUBLIC_URL = env.str("OMNI2_PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
HTTPS = env.bool("OMNI2_HTTPS", default=PUBLIC_URL.startswith("https://"))

# --- The house ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "omni2.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "audit",
    "accounts",
    "registry",
    "gateway",
    "slackapp",
    "omni2",
]
MIDDLEWARE = [
    "omni2.addresses.ClientAddress",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "omni2.addresses.SessionTime",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "omni2.urls"
ASGI_APPLICATION = "omni2.asgi.application"
WSGI_APPLICATION = "omni2.wsgi.application"
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
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
CSRF_FAILURE_VIEW = "gateway.web.csrf_failure"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "omni2.formats"
# Served from the packages themselves: nothing has to be collected first.
WHITENOISE_USE_FINDERS = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Logging in -----------------------------------------------------------------------------------
from omni2.login_settings import *  # noqa: E402, F403  after .env has been read

# --- Two ways to run, chosen by these two addresses alone -----------------------------------------
DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{DATA_DIR / 'omni2.sqlite3'}"
REDIS_URL = env.str("REDIS_URL", default="")
WORK_THREADS = env.int("OMNI2_WORK_THREADS", default=8)

DATABASES = {"default": env.db_url_config(DATABASE_URL)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["CONN_MAX_AGE"] = 600
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        # In memory what a statement needs beside: else each INSERT makes a file and takes it away.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        " PRAGMA temp_store=MEMORY;",
    }
    # A file, as in life: SQLite in memory locks whole tables between threads.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    # One connection for each thread that works, and as many again for requests.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {
        # Searches are short: compiling one costs PostgreSQL more than it saves.
        "options": "-c jit=off",
        # What DATABASE_URL says, as `sslmode`.
        **DATABASES["default"].get("OPTIONS", {}),
        # Only what `audit.prepared` asks is prepared; the ORM's own statements never are.
        "prepare_threshold": 5,
        "pool": {"min_size": 2, "max_size": 2 * WORK_THREADS + 16, "timeout": 10},
    }
if REDIS_URL:
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

CELERY_BROKER_URL = REDIS_URL or None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = WORK_THREADS
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 2,
    "socket_connect_timeout": 1,
    "max_retries": 1,
}

# --- The model ------------------------------------------------------------------------------------
# "auto" is Anthropic's Messages API when there is a key, else the offline router.
MODEL_PROVIDER = env.str("OMNI2_MODEL_PROVIDER", default="auto")
MODEL = env.str("OMNI2_MODEL", default="claude-sonnet-5-5")
MODEL_MAX_TOKENS = env.int("OMNI2_MODEL_MAX_TOKENS", default=4096)
MODEL_EFFORT = env.str("OMNI2_MODEL_EFFORT", default="")
MODEL_TIMEOUT = env.float("OMNI2_MODEL_TIMEOUT_SECONDS", default=60)
# For servers that speak the Messages API but refuse its newer optional fields.
MODEL_PLAIN_REQUESTS = env.bool("OMNI2_MODEL_PLAIN_REQUESTS", default=False)
MODEL_EXTRA_HEADERS = env.json("OMNI2_MODEL_EXTRA_HEADERS", default={})
ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", default="")
ANTHROPIC_BASE_URL = env.str("ANTHROPIC_BASE_URL", default="") or None

# --- A question -----------------------------------------------------------------------------------
QUESTION_MAX_CHARACTERS = env.int("OMNI2_QUESTION_MAX_CHARACTERS", default=20_000)
QUESTION_MAX_TURNS = env.int("OMNI2_QUESTION_MAX_TURNS", default=10)
QUESTION_MAX_TOKENS = env.int("OMNI2_QUESTION_MAX_TOKENS", default=500_000)
QUESTION_MAX_COST = env.float("OMNI2_QUESTION_MAX_COST_USD", default=2.0)
QUESTION_TIMEOUT = env.float("OMNI2_QUESTION_TIMEOUT_SECONDS", default=180)
QUESTION_LEASE = env.float("OMNI2_QUESTION_LEASE_SECONDS", default=30)
# How long a call waits for somebody's yes, and how long that yes holds.
APPROVAL_HOURS = env.float("OMNI2_APPROVAL_HOURS", default=24)
APPROVAL_USE_MINUTES = env.float("OMNI2_APPROVAL_USE_MINUTES", default=10)
# Of one person at once; and requests an hour of whoever has no role. 0 is no limit.
MAX_CONCURRENT_QUESTIONS = env.int("OMNI2_MAX_CONCURRENT_QUESTIONS", default=0)
DEFAULT_REQUESTS_PER_HOUR = env.int("OMNI2_DEFAULT_REQUESTS_PER_HOUR", default=0)
CONTEXT_MESSAGES = env.int("OMNI2_CONTEXT_MESSAGES", default=10)
TOOLS_PER_TURN = env.int("OMNI2_TOOLS_PER_TURN", default=40)
RESULT_MAX_CHARACTERS = env.int("OMNI2_RESULT_MAX_CHARACTERS", default=16_000)

# --- MCP servers ----------------------------------------------------------------------------------
# Whole command lines (JSON list of lists) that may be started; nothing else ever is.
STDIO_COMMANDS = env.json("OMNI2_STDIO_COMMANDS", default=[])
# A command that nobody has wanted for so long ends until somebody does; 0 means never.
STDIO_IDLE_SECONDS = env.float("OMNI2_STDIO_IDLE_SECONDS", default=900)
# So many commands of one process run at a time.
STDIO_MOST = env.int("OMNI2_STDIO_MOST", default=16)
# host:port pairs inside the company's network that servers may be registered at.
INTERNAL_ADDRESSES = env.list("OMNI2_INTERNAL_ADDRESSES", default=[])
# Whether authorization servers may be told to read who we are at OMNI2_PUBLIC_URL.
OAUTH_CLIENT_DOCUMENT = env.bool("OMNI2_OAUTH_CLIENT_DOCUMENT", default=True)
MCP_CONNECT_TIMEOUT = env.float("OMNI2_MCP_CONNECT_TIMEOUT_SECONDS", default=30)
MCP_CALL_TIMEOUT = env.float("OMNI2_MCP_CALL_TIMEOUT_SECONDS", default=30)
MCP_SYNC_MINUTES = env.int("OMNI2_MCP_SYNC_MINUTES", default=30)
MCP_HEALTH_SECONDS = env.int("OMNI2_MCP_HEALTH_SECONDS", default=60)

# --- Access ---------------------------------------------------------------------------------------
# How long a grant lasts that answers a request, when nobody says, and at most.
GRANT_DAYS = env.int("OMNI2_GRANT_DAYS", default=30)
GRANT_MAX_DAYS = env.int("OMNI2_GRANT_MAX_DAYS", default=90)
# A request nobody has decided on in this time is closed.
ACCESS_REQUEST_DAYS = env.int("OMNI2_ACCESS_REQUEST_DAYS", default=30)

# --- Alerts ---------------------------------------------------------------------------------------
# Who sends e-mail for us; without it no destination by e-mail is told anything.
EMAIL_URL = env.str("OMNI2_EMAIL_URL", default="")
EMAIL_FROM = env.str("OMNI2_EMAIL_FROM", default="omni2@localhost")
EMAIL_TIMEOUT = 10
if EMAIL_URL:
    _mail = env.email_url("OMNI2_EMAIL_URL")
    EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT = (
        _mail[name] for name in ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT")
    )
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"], _mail["EMAIL_HOST_PASSWORD"]
    EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
    EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)

# --- The record -----------------------------------------------------------------------------------
# Read by who seals alone; made on first need. The public keys are listed beside it (.pub).
SEALING_KEY_FILE = env.str("OMNI2_SEALING_KEY_FILE", default="") or str(DATA_DIR / "sealing.pem")
SEALING_PUBLIC_KEYS = env.list("OMNI2_SEALING_PUBLIC_KEYS", default=[])
ANCHOR_FILE = env.str("OMNI2_ANCHOR_FILE", default="") or str(DATA_DIR / "anchors.jsonl")
ANCHOR_SECONDS = env.int("OMNI2_ANCHOR_SECONDS", default=60)
# Days by kind of entry; what is not named is kept for ever.
RETENTION = env.json("OMNI2_RETENTION", default={})

# --- Where the record goes by itself --------------------------------------------------------------
# https://…, syslog+tls://HOST:PORT, syslog+tcp://…, syslog+udp://…; empty: nowhere.
SIEM_URL = env.str("OMNI2_SIEM_URL", default="")
SIEM_TOKEN = env.str("OMNI2_SIEM_TOKEN", default="")
SIEM_SIGNING_SECRET = env.str("OMNI2_SIEM_SIGNING_SECRET", default="")
SIEM_CA_FILE = env.str("OMNI2_SIEM_CA_FILE", default="")
# A folder that is there; empty: none. One file for each of these hours, from midnight (UTC) on.
EXPORT_FOLDER = env.str("OMNI2_EXPORT_FOLDER", default="")
EXPORT_HOURS = env.int("OMNI2_EXPORT_HOURS", default=24)

# --- Slack ----------------------------------------------------------------------------------------
SLACK_BOT_TOKEN = env.str("SLACK_BOT_TOKEN", default="")
SLACK_SIGNING_SECRET = env.str("SLACK_SIGNING_SECRET", default="")
# The channel (its id) that alerts are posted to; empty: none.
SLACK_ALERT_CHANNEL = env.str("OMNI2_SLACK_ALERT_CHANNEL", default="")
SLACK_ANCHOR_CHANNEL = env.str("OMNI2_SLACK_ANCHOR_CHANNEL", default="")
SLACK_API_URL = env.str("SLACK_API_URL", default="https://slack.com/api/")

# --- REST -----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.auth.ApiKeyAuthentication",
        "accounts.auth.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["gateway.api_parsing.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gateway.api_errors.answer",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "OMNI2",
    "DESCRIPTION": "The governed front door to all of a company's MCP servers.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "EntryKindEnum": "audit.models.Entry.Kind",
        "RuleKindEnum": "accounts.models.Rule.Kind",
        "SwitchKindEnum": "gateway.switching.Kind",
        "EffectEnum": ["allow", "deny", "ask"],
        "AlertKindEnum": "gateway.models.AlertRule.Kind",
        "DestinationKindEnum": "gateway.models.Destination.Kind",
        "SeverityEnum": "gateway.models.alerts.Severity",
        "ServerAuthenticationEnum": "registry.models.Server.Authentication",
        "ServerTransportEnum": "registry.models.Server.Transport",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "gateway.api_schema.add_events",
    ],
}

# --- Pages ----------------------------------------------------------------------------------------
from omni2.page_settings import *  # noqa: E402, F403

CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = env.bool("OMNI2_HTTPS_REDIRECT", default=HTTPS)
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.bool("OMNI2_BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# --- Logs -----------------------------------------------------------------------------------------
LOG_LEVEL = env.str("OMNI2_LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "omni2.logs.json_formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # Django's own level for its loggers would otherwise win.
        "django": {"level": LOG_LEVEL},
        "axes": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "mcp": {"level": "WARNING"},
    },
}
