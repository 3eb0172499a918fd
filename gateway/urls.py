"""Every path of the product but the admin's, health's and Slack's."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from gateway import (
    api,
    api_approvals,
    api_connections,
    api_keys,
    api_me,
    api_policy,
    api_requests,
    connections,
    events,
    keys,
    login,
    single_sign_on,
    web,
)
from gateway.api_docs import DocsView
from gateway.mcp_endpoint import metadata
from gateway.record import entries, history, trace_page

urlpatterns = [
    path("", web.home, name="home"),
    path("conversation/<uuid:conversation_id>", web.conversation, name="conversation"),
    path("login/", login.LoginView.as_view(), name="login"),
    path("login/sso/", single_sign_on.start, name="sso"),
    path("login/sso/callback/", single_sign_on.callback, name="sso-callback"),
    path("logout/", login.LogoutView.as_view(), name="logout"),
    path("logout/everywhere/", login.log_out_everywhere, name="logout-everywhere"),
    path("setup/<str:token>", login.setup, name="setup"),
    path("keys/", keys.keys, name="keys"),
    path("keys/<str:prefix>/revoke", keys.revoke, name="revoke-key"),
    path("history/", history.history, name="history"),
    path("history/<int:entry_id>", history.entry, name="history-entry"),
    path("history/questions/<uuid:question_id>", trace_page.own_page, name="history-question"),
    path("connections/", connections.connections, name="connections"),
    path("connections/<slug:name>/connect/", connections.connect, name="connect"),
    path("connections/<slug:name>/callback/", connections.callback, name="connected"),
    path("connections/<slug:name>/client.json", connections.client_document),
    path("connections/<slug:name>/disconnect/", connections.disconnect, name="disconnect"),
    path(".well-known/oauth-protected-resource", metadata.protected_resource),
    path(".well-known/oauth-protected-resource/mcp", metadata.protected_resource),
    path(".well-known/oauth-protected-resource/mcp/<str:server>", metadata.protected_resource),
    path("api/query", api.QueryView.as_view(), name="query"),
    path("api/query/<uuid:question_id>", api.QuestionView.as_view(), name="question"),
    path("api/query/<uuid:question_id>/events", events.events, name="events"),
    path("api/query/<uuid:question_id>/cancel", api.CancelView.as_view(), name="cancel"),
    path("api/usage", api.UsageView.as_view(), name="usage"),
    path("api/mcp/tools/list", api.ToolsView.as_view(), name="tools"),
    path("api/mcp/tools/call", api.CallView.as_view(), name="call"),
    path("api/approvals", api_approvals.ApprovalsView.as_view(), name="approvals"),
    path(
        "api/approvals/<uuid:approval_id>",
        api_approvals.ApprovalView.as_view(),
        name="approval",
    ),
    path(
        "api/approvals/<uuid:approval_id>/decide",
        api_approvals.DecideView.as_view(),
        name="decide",
    ),
    path("api/policy/explain", api_policy.ExplainView.as_view(), name="explain"),
    path("api/access/requests", api_requests.RequestsView.as_view(), name="access-requests"),
    path(
        "api/access/requests/<int:number>/decide",
        api_requests.DecideView.as_view(),
        name="decide-access",
    ),
    path(
        "api/access/requests/<int:number>/withdraw",
        api_requests.WithdrawView.as_view(),
        name="withdraw-access",
    ),
    path("api/keys", api_keys.KeysView.as_view(), name="api-keys"),
    path("api/keys/<str:prefix>", api_keys.KeyView.as_view(), name="api-key"),
    path("api/me", api_me.MeView.as_view(), name="me"),
    path(
        "api/me/connections",
        api_connections.ConnectionsView.as_view(),
        name="api-connections",
    ),
    path(
        "api/me/connections/<slug:server>",
        api_connections.ConnectionView.as_view(),
        name="api-connection",
    ),
    path("api/me/history", entries.HistoryView.as_view(), name="api-history"),
    path("api/me/history/<int:entry_id>", entries.OwnEntryView.as_view(), name="api-history-entry"),
    path("api/admin/", include("gateway.administration.urls")),
    path("api/audit/", include("gateway.record.urls")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", DocsView.as_view(url_name="schema"), name="docs"),
]
