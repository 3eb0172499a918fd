"""What every view under /api/admin/ stands on: the right it needs, its filters, its pages of rows.

A view names its `required_right`; a session of somebody who has it, or a key of theirs with the
scope `admin`, gets in. Whoever does not is on the record.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authority
from accounts.auth import who_of
from accounts.authority import Right
from accounts.errors import NotAllowed
from accounts.models import ApiKey, User
from audit import record
from audit.models import Entry
from audit.numerals import is_digits
from audit.record import Who
from gateway import api_shapes as shapes
from gateway.api import View
from gateway.errors import BadRequest, NotFound
from gateway.models import Door

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
# A database's widest OFFSET is narrower than Python's numbers.
MAX_OFFSET = 2**31
# The widest number that every database's column of this kind holds.
WIDEST = 2**31 - 1

PAGING = [
    OpenApiParameter("limit", int, description=f"Rows on the page, at most {MAX_LIMIT}."),
    OpenApiParameter("offset", int, description="Rows to leave out before it."),
]


# What any of these views may answer besides; of one row, also that it is not there.
REFUSALS = {400: shapes.Error, 403: shapes.Error}
REFUSALS_OF_ONE = {**REFUSALS, 404: shapes.Error}


class AdminView(View):
    """A view for administrators; `rights` names the right of a method that needs another one.

    `other_right` lets in as well.
    """

    required_scope = ApiKey.Scope.ADMIN
    required_right: ClassVar[Right]
    other_right: ClassVar[Right | None] = None
    rights: ClassVar[Mapping[str, Right]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let only somebody through who has the right."""
        super().initial(request, *args, **kwargs)
        right = self.rights.get(str(request.method), self.required_right)
        if self.other_right and authority.has(administrator(request), self.other_right):
            return
        try:
            authority.require(administrator(request), right)
        except NotAllowed as error:
            _record_refusal(request, error, right=right)
            raise


class SeesOthers(AdminView):
    """For whoever may read the record or manage people."""

    required_right = Right.VIEW_AUDIT_LOGS
    other_right = Right.MANAGE_USERS


def administrator(request: Request) -> User:
    """Who administers; permissions let nobody else in."""
    assert isinstance(request.user, User), "permissions let nobody else in"
    return request.user


def who(request: Request) -> Who:
    """The administrator as the record names them."""
    return who_of(request, Door.REST if isinstance(request.auth, ApiKey) else Door.WEB)


def page_of(shape: type[serializers.Serializer]) -> type[serializers.Serializer]:
    """The documented shape of a page of these rows."""
    fields = {
        "total": serializers.IntegerField(),
        "limit": serializers.IntegerField(),
        "offset": serializers.IntegerField(),
        "items": shape(many=True),
    }
    return type(f"{shape.__name__}Page", (serializers.Serializer,), fields)


def page(
    request: Request, rows: QuerySet[Any], present: Callable[[Any], Mapping[str, Any]]
) -> Response:
    """One page of the rows, in their order, as `limit` and `offset` of the address ask."""
    limit, offset = bounds(request)
    items = [present(row) for row in rows[offset : offset + limit]]
    return Response({"total": rows.count(), "limit": limit, "offset": offset, "items": items})


def bounds(request: Request) -> tuple[int, int]:
    """The `limit` and `offset` that the address asks for."""
    limit = number(request, "limit", DEFAULT_LIMIT, most=MAX_LIMIT)
    return limit, number(request, "offset", 0, most=MAX_OFFSET)


def filters(request: Request, *names: str) -> dict[str, str]:
    """The given ones of these filters; any other parameter is an error that names it."""
    known = {*names, "limit", "offset"}
    for name in request.query_params:
        if name not in known:
            listed = ", ".join(sorted(known))
            raise BadRequest(f"There is no such filter; there are: {listed}.", field=name[:100])
    given = {name: request.query_params[name] for name in names if name in request.query_params}
    for name, value in given.items():
        if "\x00" in value:
            raise BadRequest("No text here holds a NUL.", field=name)
    return given


def one_of(value: str, choices: type[Any], field: str) -> str:
    """The value, when it is one of a TextChoices'; otherwise an error that lists them."""
    if value not in choices.values:
        raise BadRequest(f"This is one of: {', '.join(choices.values)}.", field=field)
    return value


def find(rows: QuerySet[Any], **lookup: Any) -> Any:
    """The one row; 404 when there is none."""
    found = rows.filter(**lookup).first()
    if found is None:
        raise NotFound(f"There is no such {rows.model._meta.verbose_name}.")
    return found


def named(rows: QuerySet[Any], field: str, values: Mapping[str, Any], *, key: str) -> Any:
    """The row that this field of a body names by its key; an error of the field for none."""
    found = rows.filter(**{key: values[field]}).first()
    if found is None:
        raise BadRequest(
            f"There is no {rows.model._meta.verbose_name} {values[field]!r}.", field=field
        )
    return found


def shown_once(said: Mapping[str, Any]) -> Response:
    """The answer that holds a secret: made now, and to be kept by nobody on the way."""
    headers = {"Cache-Control": "no-store"}
    return Response(said, status=status.HTTP_201_CREATED, headers=headers)


def checked(shape: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """The body's values, checked; an error names the field."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = body.validated_data
    return values


def number(request: Request, name: str, default: int, *, most: int) -> int:
    """The whole number that the address gives this parameter; an error names it."""
    text = request.query_params.get(name, str(default))
    number = int(text) if is_digits(text, 11) else -1
    if not (name == "offset" and number == 0) and not 1 <= number <= most:
        raise BadRequest(f"This is a whole number up to {most}.", field=name)
    return number


def _record_refusal(request: Request, error: NotAllowed, *, right: Right) -> None:
    record.write(
        Entry.Kind.AUTH_REFUSED,
        Entry.Outcome.REFUSED,
        who=who(request),
        error_code=error.code,
        detail={"right": right.value, "method": request.method, "path": request.path},
    )
