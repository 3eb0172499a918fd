"""The entries of the record, over REST: everybody's for auditors, one's own for everybody."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from accounts.models import ApiKey
from audit.models import Entry
from gateway import api_shapes as shapes
from gateway.administration import base
from gateway.api import View, asker_of
from gateway.record import reading

NOT_ONES_OWN = ("person",)


class EntriesView(base.AdminView):
    """Entries, newest first: those that all filters let through, a page at a time."""

    required_right = Right.VIEW_AUDIT_LOGS

    @extend_schema(
        operation_id="audit_entries",
        parameters=reading.parameters(),
        responses={200: reading.EntriesPageShape, **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        found, _ = reading.page_of(Entry.objects.all(), request.query_params)
        return Response(reading.listed(found, request.query_params))


class EntryView(base.AdminView):
    """One entry, whole."""

    required_right = Right.VIEW_AUDIT_LOGS

    @extend_schema(
        operation_id="audit_entry",
        responses={200: reading.EntryShape, **base.REFUSALS_OF_ONE},
    )
    def get(self, request: Request, entry_id: int) -> Response:
        return Response(reading.whole(base.find(Entry.objects.all(), pk=entry_id)))


class HistoryView(View):
    """One's own entries, newest first; to a key that is narrowed to servers, only of those."""

    required_scope = ApiKey.Scope.READ

    @extend_schema(
        operation_id="my_history",
        parameters=reading.parameters(without=NOT_ONES_OWN),
        responses={200: reading.EntriesPageShape, 400: shapes.Error},
    )
    def get(self, request: Request) -> Response:
        asker = asker_of(request)
        entries = reading.own(asker.user, servers=asker.only_servers)
        found, _ = reading.page_of(entries, request.query_params, without=NOT_ONES_OWN)
        return Response(reading.listed(found, request.query_params))


class OwnEntryView(View):
    """One entry of one's own, whole."""

    required_scope = ApiKey.Scope.READ

    @extend_schema(
        operation_id="my_history_entry",
        responses={200: reading.EntryShape, 404: shapes.Error},
    )
    def get(self, request: Request, entry_id: int) -> Response:
        asker = asker_of(request)
        entries = reading.own(asker.user, servers=asker.only_servers)
        return Response(reading.whole(base.find(entries, pk=entry_id)))
