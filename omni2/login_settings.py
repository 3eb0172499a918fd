"""The settings of logging in, sessions, keys and single sign-on: a part of `omni2.settings`."""

from datetime import timedelta

import environ

# `omni2.settings` has read the `.env` file into the environment by now.
env = environ.Env()

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.PasswordAndRole",
]
LOGIN_MAX_FAILED_ATTEMPTS = env.int("OMNI2_LOGIN_MAX_FAILED_ATTEMPTS", default=10)
LOGIN_LOCKOUT_MINUTES = env.int("OMNI2_LOGIN_LOCKOUT_MINUTES", default=15)
AXES_ENABLED = LOGIN_MAX_FAILED_ATTEMPTS > 0
AXES_FAILURE_LIMIT = LOGIN_MAX_FAILED_ATTEMPTS
AXES_COOLOFF_TIME = timedelta(minutes=LOGIN_LOCKOUT_MINUTES)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
# One account from one address: nobody locks somebody else out from afar.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "accounts.lockout.account_of"
AXES_LOCKOUT_CALLABLE = "gateway.login.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
# The record says it better.
AXES_VERBOSE = False
# The identity provider's address, without /.well-known/…; empty: no single sign-on.
OIDC_ISSUER = env.str("OMNI2_OIDC_ISSUER", default="").rstrip("/")
OIDC_CLIENT_ID = env.str("OMNI2_OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OMNI2_OIDC_CLIENT_SECRET", default="")
OIDC_NAME = env.str("OMNI2_OIDC_NAME", default="single sign-on")
OIDC_DOMAINS = env.list("OMNI2_OIDC_DOMAINS", default=[])
OIDC_ROLE_CLAIM = env.str("OMNI2_OIDC_ROLE_CLAIM", default="")
OIDC_ROLES = env.json("OMNI2_OIDC_ROLES", default={})
# Whether access tokens of that provider, issued for /mcp, let MCP clients in.
MCP_OAUTH = env.bool("OMNI2_MCP_OAUTH", default=False)
SOCIALACCOUNT_ADAPTER = "gateway.single_sign_on.Adapter"
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True}}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]

KEY_MAX_FAILURES_PER_MINUTE = env.int("OMNI2_KEY_MAX_FAILURES_PER_MINUTE", default=20)

KEY_DAYS = env.int("OMNI2_KEY_DAYS", default=90)
KEY_MAX_DAYS = env.int("OMNI2_KEY_MAX_DAYS", default=365)
# Calls the policy refused, of one person within an hour; 0 counts none.
MAX_BLOCKED_ACTIONS_PER_HOUR = env.int("OMNI2_MAX_BLOCKED_ACTIONS_PER_HOUR", default=0)
SUSPEND_ON_BLOCKED_ACTIONS = env.bool("OMNI2_SUSPEND_ON_BLOCKED_ACTIONS", default=True)

SESSION_ENGINE = "accounts.sessions"
SESSION_TIMEOUT_MINUTES = env.int("OMNI2_SESSION_TIMEOUT_MINUTES", default=480)
SESSION_REMEMBER_DAYS = env.int("OMNI2_SESSION_REMEMBER_DAYS", default=14)
SESSIONS_AT_ONCE = env.int("OMNI2_SESSIONS_AT_ONCE", default=0)
SESSION_COOKIE_AGE = SESSION_TIMEOUT_MINUTES * 60
# How many proxies of ours stand before us and write X-Forwarded-For; 0 reads no such header.
TRUSTED_PROXIES = env.int("OMNI2_TRUSTED_PROXIES", default=0)
ALLOWED_IPS = env.list("OMNI2_ALLOWED_IPS", default=[])
