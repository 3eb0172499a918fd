"""Every path there is, and what a stranger gets to see of it."""

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from omni2 import urls

QUESTION = "6f1c1a3e-0000-4000-8000-000000000000"


def paths(patterns, before=""):
    for one in patterns:
        place = before + str(one.pattern)
        if isinstance(one, URLResolver) and place != "admin/":
            yield from paths(one.url_patterns, place)
        elif isinstance(one, URLPattern):
            yield "/" + place


PAGES = {
    "/",
    "/keys/",
    "/history/",
    "/history/<int:entry_id>",
    "/history/questions/<uuid:question_id>",
    "/keys/<str:prefix>/revoke",
    "/conversation/<uuid:conversation_id>",
    "/connections/",
    "/connections/<slug:name>/connect/",
    "/connections/<slug:name>/callback/",
    "/connections/<slug:name>/disconnect/",
}
SSO = {"/login/sso/", "/login/sso/callback/"}
OPEN = {"/login/", "/logout/", "/logout/everywhere/", "/setup/<str:token>"}
METADATA = {
    "/connections/<slug:name>/client.json",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource/mcp/<str:server>",
}
PROBES = {"/api/health/live", "/api/health/ready"}
API = {
    "/api/health",
    "/api/query",
    "/api/query/<uuid:question_id>",
    "/api/query/<uuid:question_id>/events",
    "/api/query/<uuid:question_id>/cancel",
    "/api/mcp/tools/list",
    "/api/mcp/tools/call",
    "/api/approvals",
    "/api/approvals/<uuid:approval_id>",
    "/api/approvals/<uuid:approval_id>/decide",
    "/api/me",
    "/api/me/connections",
    "/api/me/connections/<slug:server>",
    "/api/policy/explain",
    "/api/access/requests",
    "/api/access/requests/<int:number>/decide",
    "/api/access/requests/<int:number>/withdraw",
    "/api/keys",
    "/api/keys/<str:prefix>",
    "/api/schema",
    "/api/docs",
    "/api/usage",
}
RECORD = {
    "/api/me/history",
    "/api/me/history/<int:entry_id>",
    "/api/audit/entries",
    "/api/audit/questions/<uuid:question_id>",
    "/api/audit/entries/<int:entry_id>",
    "/api/audit/export",
    "/api/audit/alerts",
    "/api/audit/alerts/<int:incident_id>",
    "/api/audit/alerts/<int:incident_id>/acknowledge",
    "/api/audit/alerts/<int:incident_id>/resolve",
    "/api/audit/questions/<uuid:question_id>/replay",
    "/api/audit/stats",
    "/api/audit/stats/top",
    "/api/audit/stats/live",
}
ADMINISTRATION = {
    "/api/admin/alerts/rules",
    "/api/admin/alerts/rules/<int:rule_id>",
    "/api/admin/alerts/destinations",
    "/api/admin/alerts/destinations/<int:destination_id>",
    "/api/admin/alerts/destinations/<int:destination_id>/test",
    "/api/admin/alerts/destinations/<int:destination_id>/secret",
    "/api/admin/people",
    "/api/admin/people/<int:person_id>",
    "/api/admin/people/<int:person_id>/activate",
    "/api/admin/people/<int:person_id>/approve",
    "/api/admin/people/<int:person_id>/reject",
    "/api/admin/people/<int:person_id>/suspend",
    "/api/admin/policy/versions",
    "/api/admin/policy/versions/<int:version_id>",
    "/api/admin/policy/versions/<int:version_id>/rollback",
    "/api/admin/policy/versions/compare",
    "/api/admin/policy/matrix",
    "/api/admin/policy/matrix.csv",
    "/api/admin/policy/suggestions",
    "/api/admin/policy/suggestions.yaml",
    "/api/admin/limits",
    "/api/admin/usage",
    "/api/admin/limits/<int:limit_id>",
    "/api/admin/servers/probe",
    "/api/admin/cache",
    "/api/admin/cache/clear",
    "/api/admin/grants",
    "/api/admin/grants/<int:grant_id>",
    "/api/admin/keys",
    "/api/admin/keys/<int:key_id>/revoke",
    "/api/admin/people/<int:person_id>/keys",
    "/api/admin/people/<int:person_id>/permissions",
    "/api/admin/people/<int:person_id>/setup-link",
    "/api/admin/reload",
    "/api/admin/roles",
    "/api/admin/roles/<slug:name>",
    "/api/admin/rules",
    "/api/admin/rules/<int:rule_id>",
    "/api/admin/servers",
    "/api/admin/servers/<slug:name>",
    "/api/admin/servers/<slug:name>/sync",
    "/api/admin/servers/<slug:name>/drift/accept",
    "/api/admin/servers/<slug:name>/drift/reject",
    "/api/admin/servers/<slug:name>/withheld",
    "/api/admin/servers/<slug:name>/withheld/offer",
    "/api/admin/drift",
    "/api/admin/calls/unknown",
    "/api/admin/calls/<uuid:call_id>/settle",
    "/api/admin/teams",
    "/api/admin/teams/<slug:key>",
    "/api/admin/teams/<slug:key>/members",
    "/api/admin/teams/<slug:key>/members/<int:person_id>",
    "/api/admin/switches",
}


def test_these_are_all_paths_but_the_admins():
    known = PAGES | OPEN | SSO | PROBES | METADATA | API | RECORD | ADMINISTRATION
    known |= {"/slack/events"}
    assert set(paths(urls.urlpatterns)) == known


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("/", 302),
        (f"/conversation/{QUESTION}", 302),
        ("/connections/", 302),
        ("/connections/crm/callback/?state=x&code=y", 302),
        ("/admin/", 302),
        ("/admin/accounts/user/", 302),
        ("/admin/nothing/", 302),
        ("/login/", 200),
        ("/setup/nonsense", 410),
        ("/slack/events", 405),
        ("/nothing", 404),
        ("/api/nothing", 404),
        ("/api/query/not-a-uuid", 404),
        ("/mcp", 404),
        ("/static/../omni2/settings.py", 404),
        ("/.env", 404),
        ("/secrets.json", 404),
    ],
)
def test_a_stranger_gets_no_further_than_this(client, place, status):
    assert client.get(place).status_code == status


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_errors_are_our_own(status):
    found = get_resolver().resolve_error_handler(status)

    assert found.__module__ == "gateway.web"
