"""settings.yaml: deployment's business. Nothing is written: keys name a variable or a reason."""

from omni2.configuration.shapes import (
    Flag,
    Ignored,
    ListOf,
    MapOf,
    Number,
    Section,
    Shape,
    Text,
    Variable,
    Whole,
)

_TEXTS = ListOf(item=Text())


def _ignored(because: str, **keys: Shape) -> Section:
    return Section(keys=keys, effect=Ignored(because))


_SERVER = "it is an option of the web server: gunicorn's --bind"
_NO_CORS = "pages of other origins are not let in"
_POOL = "the pool is as large as the threads need; OMNI2_WORK_THREADS sets their number"

APP = Section(
    keys={
        "name": Text(effect=Ignored("the product has its own name")),
        "version": Text(effect=Ignored("the product knows its own version")),
        "description": Text(effect=Ignored("the product has its own description")),
        "host": Text(effect=Ignored(_SERVER)),
        "port": Whole(effect=Ignored(_SERVER)),
        "debug": Flag(effect=Variable("DEBUG")),
        "reload": Flag(effect=Ignored("it is an option of the web server: gunicorn's --reload")),
        "cors_enabled": Flag(effect=Ignored(_NO_CORS)),
        "cors_origins": ListOf(item=Text(), effect=Ignored(_NO_CORS)),
    }
)

DATABASE = Section(
    effect=Ignored(_POOL),
    keys={
        "url": Text(
            effect=Variable(
                "DATABASE_URL", secret=True, note="as postgres://… without a driver's name"
            )
        ),
        "pool_size": Whole(),
        "max_overflow": Whole(),
        "pool_timeout": Number(),
        "pool_recycle": Whole(),
        "echo": Flag(effect=Ignored("SQL is not logged")),
        "echo_pool": Flag(effect=Ignored("SQL is not logged")),
    },
)

_OWN_RETRY = "a model is asked again for as long as the turn's own deadline allows"

LLM = Section(
    keys={
        "provider": Text(
            effect=Variable("OMNI2_MODEL_PROVIDER", note="auto, anthropic or offline")
        ),
        "api_key": Text(effect=Variable("ANTHROPIC_API_KEY", secret=True)),
        "model": Text(effect=Variable("OMNI2_MODEL")),
        "timeout_seconds": Number(above=True, effect=Variable("OMNI2_MODEL_TIMEOUT_SECONDS")),
        "max_tokens": Whole(least=1, effect=Variable("OMNI2_MODEL_MAX_TOKENS")),
        "temperature": Number(
            effect=Ignored("the API has no temperature any more; see OMNI2_MODEL_EFFORT")
        ),
        "max_retries": Whole(effect=Ignored(_OWN_RETRY)),
        "retry_delay_seconds": Number(effect=Ignored(_OWN_RETRY)),
    }
)

MCP = Section(
    keys={
        "discovery_interval_minutes": Whole(effect=Variable("OMNI2_MCP_SYNC_MINUTES")),
        "health_check_interval_seconds": Whole(effect=Variable("OMNI2_MCP_HEALTH_SECONDS")),
        "health_check_retries": Whole(
            effect=Ignored("a server is down after two failed looks in a row")
        ),
        "request_timeout_seconds": Number(
            above=True, effect=Variable("OMNI2_MCP_CALL_TIMEOUT_SECONDS")
        ),
        "tool_cache_ttl_seconds": Whole(
            effect=Ignored("accepted tools are kept in the database until they change")
        ),
    }
)

_ALWAYS = "it is always on the record"

AUDIT = Section(
    keys={
        "enabled": Flag(effect=Ignored("the record cannot be turned off")),
        "retention_days": Whole(effect=Ignored("nothing is removed from the record by itself")),
        "log_level": Text(effect=Variable("OMNI2_LOG_LEVEL", note="for the log, not the record")),
        "log_format": Text(effect=Ignored("logs are always JSON, one line each")),
        "log_to_file": Flag(effect=Ignored("logs go to standard error")),
        "log_file_path": Text(effect=Ignored("logs go to standard error")),
        "log_tool_calls": Flag(effect=Ignored(_ALWAYS)),
        "log_failed_attempts": Flag(effect=Ignored(_ALWAYS)),
        "log_blocked_actions": Flag(effect=Ignored(_ALWAYS)),
    }
)

RATE_LIMITING = _ignored(
    "limits are those of a role (users.yaml) and of a server (mcps.yaml)",
    enabled=Flag(),
    default_requests_per_minute=Whole(),
    default_requests_per_hour=Whole(
        effect=Variable("OMNI2_DEFAULT_REQUESTS_PER_HOUR", note="for people without a role")
    ),
    default_burst=Whole(),
    cleanup_interval_seconds=Whole(),
)

_NO_JWT = "this version knows API keys and sessions, no JWT"

SECURITY = Section(
    keys={
        "api_key_enabled": Flag(effect=Ignored("every request needs a key or a session")),
        "api_key_header": Text(effect=Ignored("a key is sent as Authorization: Bearer")),
        "jwt_enabled": Flag(effect=Ignored(_NO_JWT)),
        "jwt_secret": Text(effect=Ignored(_NO_JWT)),
        "jwt_algorithm": Text(effect=Ignored(_NO_JWT)),
        "jwt_expiration_hours": Whole(effect=Ignored(_NO_JWT)),
        "allow_credentials": Flag(effect=Ignored(_NO_CORS)),
        "allowed_methods": ListOf(item=Text(), effect=Ignored(_NO_CORS)),
        "allowed_headers": ListOf(item=Text(), effect=Ignored(_NO_CORS)),
    }
)

PERFORMANCE = Section(
    keys={
        "request_timeout_seconds": Number(
            above=True, effect=Variable("OMNI2_QUESTION_TIMEOUT_SECONDS")
        ),
        "max_concurrent_requests_per_user": Whole(
            effect=Variable("OMNI2_MAX_CONCURRENT_QUESTIONS", note="beside the role's own limit")
        ),
        "compression_enabled": Flag(effect=Ignored("compression is the proxy's business")),
        "compression_level": Whole(effect=Ignored("compression is the proxy's business")),
        "caching_enabled": Flag(effect=Ignored("Redis is used when REDIS_URL is set")),
    }
)

MONITORING = _ignored(
    "this version has the health endpoints, always on, and no metrics or traces",
    health_check_enabled=Flag(),
    metrics_enabled=Flag(),
    metrics_port=Whole(),
    tracing_enabled=Flag(),
)

FEATURES = _ignored(
    "what this version can do is always on",
    conversation_context=Flag(),
    result_caching=Flag(),
    async_jobs=Flag(),
    web_ui=Flag(),
)

NOTIFICATIONS = _ignored(
    "this version sends no notifications",
    enabled=Flag(),
    email_enabled=Flag(),
    smtp_host=Text(),
    smtp_port=Whole(),
    smtp_user=Text(),
    smtp_password=Text(),
    slack_webhook_url=Text(),
)

MAINTENANCE = _ignored(
    "nothing is removed from the record by itself, and backups are the database's business",
    auto_cleanup_enabled=Flag(),
    cleanup_schedule=Text(),
    backup_enabled=Flag(),
    backup_schedule=Text(),
)

DEVELOPMENT = Section(
    effect=Ignored("answers and errors have one form, in development too"),
    keys={
        "pretty_json": Flag(),
        "include_debug_info": Flag(),
        "fake_llm_enabled": Flag(effect=Ignored("OMNI2_MODEL_PROVIDER=offline needs no model")),
        "mock_mcps_enabled": Flag(effect=Ignored("servers are always the real ones")),
    },
)

LOGGING = Section(
    effect=Ignored("logs are JSON lines on standard error"),
    keys={
        "level": Text(effect=Variable("OMNI2_LOG_LEVEL")),
        "format": Text(),
        "date_format": Text(),
        "console_enabled": Flag(),
        "console_level": Text(),
        "file_enabled": Flag(),
        "file_path": Text(),
        "file_level": Text(),
        "file_max_bytes": Whole(),
        "file_backup_count": Whole(),
        "loggers": MapOf(key="LOGGER", value=Text()),
    },
)

SETTINGS = Section(
    keys={
        "app": APP,
        "database": DATABASE,
        "llm": LLM,
        "mcp": MCP,
        "audit": AUDIT,
        "rate_limiting": RATE_LIMITING,
        "security": SECURITY,
        "performance": PERFORMANCE,
        "monitoring": MONITORING,
        "features": FEATURES,
        "notifications": NOTIFICATIONS,
        "maintenance": MAINTENANCE,
        "development": DEVELOPMENT,
        "logging": LOGGING,
    }
)
