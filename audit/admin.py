"""The record, to be read: nobody adds, changes or deletes anything here."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from audit import explorer, telling
from audit.explorer import Places
from audit.models import Block, Entry
from audit.recorded import ReadOnlyAdmin


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Everything that happened, newest first: pages of our own, as large as the record may be."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The entries that the filters of the address leave."""
        self._require(request)
        found = explorer.page(Entry.objects.all(), request.GET, places=_places())
        status = 400 if found["fault"] else 200
        return self._page(request, "entries", status, title="Entries", **found)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One entry, whole."""
        self._require(request)
        if request.method != "GET":
            raise PermissionDenied
        found: Entry | None = self.get_object(request, object_id)
        if found is None:
            raise Http404
        told = {
            "places": _places(),
            "changes": telling.changes(found),
            "sections": telling.sections(found, _places()),
        }
        return self._page(request, "entry", 200, title=f"{found}, entry {found.pk}", **told)

    def _require(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, name: str, status: int, **context: Any) -> HttpResponse:
        context |= self.admin_site.each_context(request) | {"opts": self.opts}
        return TemplateResponse(request, f"admin/omni2/{name}.html", context, status=status)


def _places() -> Places:
    here = reverse("admin:audit_entry_changelist")
    questions = f"{reverse('admin:index')}questions/{{}}/"
    return Places(entries=here, entry=f"{here}{{}}/change/", question=questions)


@admin.register(Block)
class BlockAdmin(ReadOnlyAdmin):
    """The seals, newest first; `manage.py verify_audit` checks them."""

    list_display: ClassVar = ["number", "count", "first", "last", "sealed_at", "digest"]
    ordering: ClassVar = ["-number"]
    exclude: ClassVar = ["witness"]
