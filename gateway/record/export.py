"""The record as a file, over REST: streamed as it is read, until its end or until nobody takes it.

Each part is read on the request's thread when the server has sent the one before, and no database
connection is kept between two of them.
"""

from collections.abc import Generator

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from accounts.authority import Right
from audit import export
from audit.errors import BadFilter
from audit.export import Format
from audit.filters import FILTERS, Filters
from gateway.administration import base
from registry.waiting import release_connection

MEDIA = {Format.CSV: "text/csv", Format.JSONL: "application/x-ndjson"}


class OneRenderer(BaseContentNegotiation):
    """Errors are JSON; `format` and `Accept` choose nothing of REST framework's here."""

    def select_renderer(self, request, renderers, format_suffix=None):  # type: ignore[no-untyped-def]
        return renderers[0], renderers[0].media_type


class ExportView(base.AdminView):
    """All entries that the filters let through, oldest first, as a file."""

    required_right = Right.VIEW_AUDIT_LOGS
    content_negotiation_class = OneRenderer

    @extend_schema(
        operation_id="audit_export",
        parameters=[
            OpenApiParameter("format", enum=[*Format], description="jsonl unless it is given."),
            *(OpenApiParameter(name, description=one.words) for name, one in FILTERS.items()),
        ],
        responses={
            **{(200, media): OpenApiTypes.STR for media in MEDIA.values()},
            **base.REFUSALS,
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        form = _format(request.query_params.get("format", ""))
        wanted = Filters.parse(request.query_params, besides=["format"])
        parts = export.begin(wanted, form, who=base.who(request))
        response = StreamingHttpResponse(Streamed(parts), content_type=MEDIA[form])
        name = f"record-{timezone.now():%Y%m%d-%H%M%S}.{form}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["X-Accel-Buffering"] = "no"
        return response


def _format(given: str) -> Format:
    try:
        return Format(given or Format.JSONL)
    except ValueError:
        raise BadFilter(f"This is one of: {', '.join(Format)}.", field="format") from None


class Streamed:
    """The parts as the server takes them; Django closes it with the response, taken or not."""

    def __init__(self, parts: Generator[str]) -> None:
        self._parts = parts

    def __aiter__(self) -> "Streamed":
        return self

    async def __anext__(self) -> bytes:
        text = await sync_to_async(self._next)()
        if text is None:
            raise StopAsyncIteration
        return text.encode()

    def _next(self) -> str | None:
        try:
            return next(self._parts, None)
        finally:
            release_connection()

    def close(self) -> None:
        """End it; what was not taken to its end says so on the record."""
        self._parts.close()
        release_connection()
