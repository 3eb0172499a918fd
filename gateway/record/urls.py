"""Every path under /api/audit/."""

from django.urls import path

from gateway.record import entries, export

urlpatterns = [
    path("entries", entries.EntriesView.as_view(), name="audit-entries"),
    path("entries/<int:entry_id>", entries.EntryView.as_view(), name="audit-entry"),
    path("export", export.ExportView.as_view(), name="audit-export"),
]
