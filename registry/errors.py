"""What can go wrong between the registry and a server, before the server has done anything.

RegistryError
├── NotReady                  the server cannot be used as it is configured
│   ├── CredentialUnreadable  stored, but no current key decrypts it
│   ├── CredentialMissing     not stored, or its environment variable is not set
│   ├── CredentialRefused     stored, but it must not be sent like this
│   └── CommandNotAllowed     a command that the deployment does not list
├── SwitchedOff               its kill switch, or its configuration, keeps everybody from it
├── NotConnected              each person needs an account of their own there, and has none
├── AuthorizationFailed       its authorization server gave no token, or cannot be believed
│   └── TokenRefused          it will not, however often it is asked
├── AttemptRefused            a browser came back from it as nobody was sent there
├── BreakerOpen               it failed too often; nobody may try yet
├── ServerBusy                as many calls as it may have are under way
├── SyncFailed                its tools could not be listed; the rows are as they were
├── CannotRegister            what is said of the server is wrong; `field` names it
├── NotProbed                 nothing that could be registered answers there
│   └── AddressRefused        an address that must not be dialled
└── CannotAccept              a person may not accept this tool: it would never work

`registry.mcp.errors.UpstreamError` is the other tree: what happened on the wire.
"""


class RegistryError(Exception):
    """A refusal of the registry: code and HTTP status on the class, a message safe to show.

    `executed` is always "no": nothing of the call has left, so trying again does no harm.
    """

    code = "registry_error"
    status = 502
    executed = "no"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotReady(RegistryError):
    """The server cannot be used as it is configured."""

    code = "server_not_ready"
    status = 503


class CredentialUnreadable(NotReady):
    """A stored credential that none of the encryption keys can read. Nothing is sent."""

    code = "credential_unreadable"


class CredentialMissing(NotReady):
    """A credential the server needs is not stored, or the variable it names is not set."""

    code = "credential_missing"


class CredentialRefused(NotReady):
    """A credential or variable that must not leave the gateway in this way."""

    code = "credential_refused"


class CommandNotAllowed(NotReady):
    """A stdio command that is not, word for word, one of the deployment's own list."""

    code = "command_not_allowed"


class SwitchedOff(RegistryError):
    """A server that nobody reaches now, by its kill switch or its configuration."""

    code = "server_switched_off"
    status = 409


class NotConnected(RegistryError):
    """A server where each person has an account of their own, and this person has none that works.

    `again`: there was one.
    """

    code = "not_connected"
    status = 403

    def __init__(self, server: str, *, again: bool = False) -> None:
        super().__init__(f"server {server}: no account is connected" + again * " any more")
        self.server, self.again = server, again


class AuthorizationFailed(RegistryError):
    """An authorization server did not give a token, or says something that cannot be believed."""

    code = "authorization_failed"


class TokenRefused(AuthorizationFailed):
    """An authorization server's no; `reason` is the error code of OAuth."""

    code = "token_refused"

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class AttemptRefused(RegistryError):
    """Somebody comes back from an authorization server without having been sent there like this."""

    code = "attempt_refused"
    status = 400


class BreakerOpen(RegistryError):
    """The server failed several times in a row; `retry_after` is the seconds until the next try."""

    code = "server_unavailable"
    status = 503

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerBusy(RegistryError):
    """All places for calls to this server stayed taken for as long as one waits for one."""

    code = "server_busy"
    status = 503


class SyncFailed(RegistryError):
    """A server's tools could not be listed. What was known about them still stands."""

    code = "sync_failed"


class CannotRegister(RegistryError):
    """A server that must not be registered like this; `field` is what is wrong with it."""

    code = "bad_request"
    status = 400

    def __init__(self, message: str, *, field: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class NotProbed(RegistryError):
    """A look at an address or a command found nothing to register; the hint says what to do."""

    code = "not_probed"


class AddressRefused(NotProbed):
    """An address that the network guard does not let be dialled. Nothing was sent."""

    code = "address_refused"
    status = 400


class CannotAccept(RegistryError):
    """A tool that no decision can make usable, or about which there is nothing to decide."""

    code = "cannot_accept"
    status = 409
