"""One row of every kind, and a visit to every page of the admin."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import (
    AccessRequest,
    ApiKey,
    ProvisioningRule,
    ServerGrant,
    SetupLink,
    Team,
    UsageLimit,
    User,
)
from audit import record, seal
from audit.models import Entry
from gateway.alerts import incidents, webhook
from gateway.alerts.incidents import Found
from gateway.models import (
    AlertRule,
    Approval,
    Call,
    Conversation,
    Destination,
    Door,
    Question,
    Turn,
)
from registry.credentials import seal as seal_credential
from registry.models import ConnectedAccount, HealthCheck, Server, Tool
from tests.cast import Cast

SECRET = "s3cret-that-nobody-may-read"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e\u200b"


def furnish(cast: Cast) -> dict[str, str]:
    """Make a row of every kind, with hostile texts and secrets; the secrets by what they are."""
    team = Team.objects.create(key="red", name=HOSTILE)
    cast.dev.teams.add(team)
    cast.dev.password = f"pbkdf2_sha256$1$salt${SECRET}"
    cast.dev.save()
    key, text = ApiKey.issue(cast.dev, HOSTILE)
    ServerGrant.objects.create(user=cast.dev, server="shop", tools=["*"], reason=HOSTILE)
    AccessRequest.objects.create(
        person=cast.dev, server="shop", tools=["search"], reason=HOSTILE, answer=HOSTILE
    )
    UsageLimit.objects.create(user=cast.dev)
    ProvisioningRule.objects.create(email_domain="@example.com")
    server = _server()
    question = _question(cast)
    called = {"server": "shop", "tool": "search", "question": question.pk}
    record.write(Entry.Kind.CALL_CALLED, Entry.Outcome.OK, **called)
    record.write(Entry.Kind.QUESTION_ENDED, Entry.Outcome.OK, question=question.pk, tool=HOSTILE)
    seal.seal_once()
    hook = _alerts(cast)
    link = SetupLink.issue(cast.guest)
    return {
        "api key": text,
        "digest of the key": key.digest,
        "password": cast.dev.password,
        "credential": SECRET,
        "sealed credential": server.sealed,
        "webhook's secret": hook,
        "set-up link": link,
        "digest of the link": SetupLink.objects.get().digest,
    }


def _alerts(cast: Cast) -> str:
    """A rule, what it has found, and a destination that was told; the destination's secret."""
    AlertRule.objects.filter(origin="").delete()
    rule = AlertRule.objects.create(name=HOSTILE, tools=["delete_*"])
    hook = Destination(name=HOSTILE[:60], url="https://hooks.example.com/x")
    secret = webhook.new_secret(hook)
    hook.save()
    with transaction.atomic():
        incident = incidents.note(rule, Found(f"tool {HOSTILE}", timezone.now(), 1, 1, 1))
    incident.notices.update(error=HOSTILE)
    return secret


def _server() -> Server:
    server = Server.objects.create(
        name="shop",
        transport=Server.Transport.HTTP,
        url="https://mcp.example.com/mcp",
        authentication=Server.Authentication.BEARER,
        sealed=seal_credential({"authentication": {"type": "bearer", "api_key": SECRET}}),
        instructions=HOSTILE,
        last_error=HOSTILE,
    )
    HealthCheck.objects.create(server=server, ok=False, error=HOSTILE)
    ConnectedAccount.objects.create(
        server=server,
        person=1,
        name="dev@example.com",
        url=server.url,
        scope=HOSTILE,
        problem=HOSTILE,
        sealed=seal_credential({"access_token": SECRET}),
    )
    tool(server, "search")
    return server


def tool(server: Server, name: str, **values: Any) -> Tool:
    """A tool that was accepted and has another form waiting."""
    accepted = {"name": name, "description": "Search.", "inputSchema": {"type": "object"}}
    columns = {
        "qualified_name": f"{server.name}__{name}",
        "definition": accepted,
        "pending": accepted | {"description": f"Search. {HOSTILE}"},
        "fingerprint": "0" * 64,
        "state": Tool.State.QUARANTINED,
        "state_reason": HOSTILE,
    }
    return Tool.objects.create(server=server, name=name, **columns | values)


def _question(cast: Cast) -> Question:
    conversation = Conversation.objects.create(person=cast.dev, door=Door.WEB)
    question = Question.objects.create(
        conversation=conversation,
        person=cast.dev,
        door=Door.WEB,
        text=HOSTILE,
        answer=HOSTILE,
        state=Question.State.ANSWERED,
        deadline_at=timezone.now() + timedelta(minutes=1),
    )
    Turn.objects.create(question=question, number=1, content=[{"type": "text", "text": HOSTILE}])
    Call.objects.create(
        question=question,
        person=cast.dev,
        door=Door.WEB,
        server="shop",
        tool="search",
        arguments={"text": HOSTILE},
        text=HOSTILE,
        state=Call.State.DONE,
    )
    Approval.objects.create(
        question=question,
        step="s1",
        person=cast.dev,
        door=Door.WEB,
        server="shop",
        tool="search",
        arguments={"text": HOSTILE},
        decision={"rule": HOSTILE},
        expires_at=timezone.now() + timedelta(hours=1),
    )
    return question


def addresses(app: str) -> list[str]:
    """Every list, add and detail page of an app's models, and every page of a deed."""
    found = []
    for model, pages in admin.site._registry.items():
        if model._meta.app_label != app:
            continue
        name = f"admin:{app}_{model._meta.model_name}"
        found += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        for row in model._default_manager.all()[:2]:
            found.append(reverse(f"{name}_change", args=(row.pk,)))
            found += [reverse(f"admin:{one.action_name}", args=(row.pk,)) for one in deeds(pages)]
    return found


def deeds(pages: Any) -> list[Any]:
    return pages._get_base_actions_detail()


def visit(client: Any, app: str, secrets: dict[str, str]) -> dict[int, list[str]]:
    """Open every page of an app; their addresses by status. Fails on a leak or on live HTML."""
    found: dict[int, list[str]] = {}
    for address in addresses(app):
        response = client.get(address)
        text = response.content.decode()
        leaked = [name for name, secret in secrets.items() if secret in text]
        assert (address, leaked) == (address, [])
        assert "<script>alert" not in text and "<img src=x" not in text, address
        found.setdefault(response.status_code, []).append(address)
    return found


def changes() -> list[tuple[str, str, str, list[str]]]:
    """What the record says of changes: person, action, model and the fields' names."""
    entries = Entry.objects.filter(kind=Entry.Kind.ADMIN_CHANGED).order_by("pk")
    return [
        (e.person, e.detail["action"], e.detail["model"], e.detail.get("fields", []))
        for e in entries
    ]


def staff(user: User, *permissions: str) -> User:
    """The person as staff with these permissions, as `app.action_model`."""
    from django.contrib.auth.models import Permission  # noqa: PLC0415  apps must be ready

    user.is_staff = True
    user.save()
    for one in permissions:
        app, codename = one.split(".")
        found = Permission.objects.get(content_type__app_label=app, codename=codename)
        user.user_permissions.add(found)
    return User.objects.get(pk=user.pk)


def form_of(page: Any) -> dict[str, Any]:
    """What a browser would send of a page's form, unchanged."""
    form = page.context["adminform"].form
    values: dict[str, Any] = {}
    for name in form.fields:
        value = form[name].value()
        if isinstance(value, bool):
            values |= {name: "on"} if value else {}
        elif hasattr(value, "strftime"):
            values |= {f"{name}_0": f"{value:%Y-%m-%d}", f"{name}_1": f"{value:%H:%M:%S}"}
        elif value is not None:
            values[name] = value
    return values
