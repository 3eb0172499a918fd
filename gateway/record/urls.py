"""Every path under /api/audit/."""

from django.urls import path

from gateway.record import alerts, entries, export, questions, replays, stats

urlpatterns = [
    path("questions/<uuid:question_id>/replay", replays.ReplayView.as_view(), name="audit-replay"),
    path("entries", entries.EntriesView.as_view(), name="audit-entries"),
    path("entries/<int:entry_id>", entries.EntryView.as_view(), name="audit-entry"),
    path("questions/<uuid:question_id>", questions.TraceView.as_view(), name="audit-question"),
    path("export", export.ExportView.as_view(), name="audit-export"),
    path("alerts", alerts.AlertsView.as_view(), name="audit-alerts"),
    path("alerts/<int:incident_id>", alerts.AlertView.as_view(), name="audit-alert"),
    path(
        "alerts/<int:incident_id>/acknowledge",
        alerts.AcknowledgeView.as_view(),
        name="acknowledge-alert",
    ),
    path("alerts/<int:incident_id>/resolve", alerts.ResolveView.as_view(), name="resolve-alert"),
    path("stats", stats.StatsView.as_view(), name="audit-stats"),
    path("stats/top", stats.TopView.as_view(), name="audit-stats-top"),
    path("stats/live", stats.LiveView.as_view(), name="audit-stats-live"),
]
