"""A server is registered: checked as calls will be, added, on the record, in one transaction."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from audit import changes
from audit.record import Who
from registry.documents import fault_of
from registry.endpoints import check_command
from registry.errors import CannotRegister, CommandNotAllowed, NotReady
from registry.importing import ServerSpec, create, endpoint_of_spec
from registry.mcp.errors import GuardRefused
from registry.mcp.guard import check_url
from registry.models import Server
from registry.naming import check_server_name

TOLD = ("name", "transport", "enabled", "trust", "authentication")
_TAKEN = "there is a server of this name already"


def register(spec: ServerSpec, *, who: Who) -> Server:
    """Add the server. Raises `CannotRegister`, naming the field, for one that must not be."""
    if fault := fault_of_name(spec.name):
        raise CannotRegister(fault, field="name")
    _check_address(spec)
    _check_values(spec)
    if spec.authentication == Server.Authentication.NONE and spec.credentials.get("authentication"):
        raise CannotRegister("authentication none takes no secret", field="credential")
    try:
        endpoint_of_spec(spec)
    except NotReady as error:
        raise CannotRegister(error.message, field="credential", hint=error.hint) from error
    try:
        with transaction.atomic():
            row = create(spec)
            said = {name: getattr(row, name) for name in TOLD}
            changes.note(row, "added", who=who, facts={"server": row.name}, values=said)
    except IntegrityError as error:
        raise CannotRegister(_TAKEN, field="name") from error
    return row


def fault_of_name(name: str, *, besides: int = 0) -> str | None:
    """Why a server cannot have this name; `besides` is the key of the one that has it already."""
    fault = check_server_name(name)
    if fault is None and Server.objects.exclude(pk=besides).filter(name__iexact=name).exists():
        fault = _TAKEN
    return fault


def _check_values(spec: ServerSpec) -> None:
    """Hold each value against its column, as the admin's form does."""
    try:
        Server(name=spec.name, **spec.columns()).clean_fields()
    except ValidationError as error:
        field, said = next(iter(error.message_dict.items()))
        raise CannotRegister(" ".join(said), field=field) from error


def _check_address(spec: ServerSpec) -> None:
    try:
        if spec.transport == Server.Transport.INTERNAL:
            raise CannotRegister("servers of this kind come with OMNI2", field="transport")
        if spec.transport == Server.Transport.STDIO:
            check_command(list(spec.argv))
        else:
            check_url(spec.url, settings.INTERNAL_ADDRESSES)
            fault = fault_of(spec.transport, spec.url, spec.document_url, spec.document)
            if fault is not None:
                raise CannotRegister(fault.message, field=fault.field)
    except GuardRefused as error:
        raise CannotRegister(error.reason, field="url") from error
    except CommandNotAllowed as error:
        raise CannotRegister(error.message, field="command", hint=error.hint) from error
