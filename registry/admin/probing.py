"""The page that looks at an address or a command, and registers what it found there."""

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from audit.recorded import who_at
from registry import syncing
from registry.admin.forms import CredentialForm, refuse_secret
from registry.errors import CannotRegister, RegistryError
from registry.importing import ServerSpec
from registry.models import Server
from registry.probe import Target, probe
from registry.probed import Seen
from registry.registering import register

if TYPE_CHECKING:
    from registry.admin.servers import ServerAdmin


# A look has no time to send somebody to an authorization server; it says what that one wants.
_FETCHED = (Server.Authentication.OAUTH, Server.Authentication.CLIENT_CREDENTIALS)


class ProbeForm(CredentialForm):
    """An address or one of the allowed commands, and a credential that is used and not kept."""

    url = forms.CharField(
        required=False,
        max_length=2000,
        label="Address",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://crm.example.com/mcp"}),
        help_text="Of an MCP server or an OpenAPI document. Only what is public is dialled, or "
        "listed by whoever runs the deployment.",
    )
    command = forms.ChoiceField(
        required=False,
        label="Or a command",
        widget=UnfoldAdminSelectWidget,
        help_text="Those that this deployment allows (OMNI2_STDIO_COMMANDS).",
    )
    authentication = forms.ChoiceField(
        choices=[choice for choice in Server.Authentication.choices if choice[0] not in _FETCHED],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ("url", "command", "authentication", "username", "header_name", "secret")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        commands = [(json.dumps(list(one)), " ".join(one)) for one in settings.STDIO_COMMANDS]
        if commands:
            command: Any = self.fields["command"]
            command.choices = [("", "–"), *commands]
        else:
            del self.fields["command"]
        self.fields["secret"].label = "Secret"
        self.fields["secret"].help_text = "Sent to the server for this look, and not kept."

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.errors and bool(values["url"]) == bool(values.get("command")):
            self.add_error("url", "Enter an address, or choose a command.")
        if not self.errors and values["authentication"] == Server.Authentication.NONE:
            refuse_secret(self, values)
        return values

    def target(self) -> Target:
        """What is to be looked at."""
        values = self.cleaned_data
        kind = Server.Authentication(values["authentication"])
        command = tuple(json.loads(values.get("command") or "[]"))
        if command or kind == Server.Authentication.NONE:
            return Target(values["url"], command)
        return Target(
            values["url"], authentication=kind.value, credential=self.entered(kind, values)
        )


class RegisterForm(forms.Form):
    """What is registered of what was found: under which name, and where it is."""

    name = forms.CharField(max_length=32, widget=UnfoldAdminTextInputWidget)
    url = forms.CharField(required=False, widget=forms.HiddenInput)
    command = forms.CharField(required=False, widget=forms.HiddenInput)
    document_url = forms.CharField(required=False, widget=forms.HiddenInput)
    transport = forms.ChoiceField(choices=Server.Transport.choices, widget=forms.HiddenInput)

    def spec(self) -> ServerSpec:
        values = self.cleaned_data
        return ServerSpec(
            name=values["name"],
            transport=values["transport"],
            url=values["url"],
            document_url=values["document_url"],
            argv=tuple(json.loads(values["command"] or "[]")),
        )

    def clean_command(self) -> str:
        """Word for word one of the deployment's own."""
        known = ["", *(json.dumps(list(one)) for one in settings.STDIO_COMMANDS)]
        if self.cleaned_data["command"] not in known:
            raise forms.ValidationError("This deployment does not allow that command.")
        return str(self.cleaned_data["command"])


def page(pages: "ServerAdmin", request: HttpRequest) -> HttpResponse:
    """Ask on GET, look on POST, and register on a POST from what was found."""
    if request.method == "POST" and "register" in request.POST:
        return _register(pages, request)
    form = ProbeForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        try:
            context |= _found(form, probe(form.target(), who=who_at(request)))
        except RegistryError as error:
            context["failure"] = error
    return _shown(pages, request, **context)


def _found(form: ProbeForm, seen: Seen) -> dict[str, Any]:
    values = {
        "name": seen.suggested_name,
        "transport": seen.transport,
        "url": seen.url,
        "document_url": seen.document_url,
        "header_name": seen.suggested_header,
        "display_name": str(seen.server_info.get("title") or "")[:128],
        "authentication": _authentication(form, seen),
    }
    fill_in = f"{reverse('admin:registry_server_add')}?{urlencode(values)}"
    offered = None
    if values["authentication"] == Server.Authentication.NONE and (seen.url or seen.argv):
        command = json.dumps(list(seen.argv)) if seen.argv else ""
        offered = RegisterForm(initial={**values, "command": command})
    return {"seen": seen, "fill_in": "" if seen.argv else fill_in, "offered": offered}


def _authentication(form: ProbeForm, seen: Seen) -> str:
    """The kind of credential that registering it will need."""
    sent = str(form.cleaned_data["authentication"]) if not seen.argv else "none"
    return sent if sent != "none" else seen.suggested_authentication


def _register(pages: "ServerAdmin", request: HttpRequest) -> HttpResponse:
    offered = RegisterForm(request.POST)
    if offered.is_valid():
        try:
            server = register(offered.spec(), who=who_at(request))
        except CannotRegister as error:
            offered.add_error(error.field if error.field == "name" else None, error.message)
        else:
            messages.success(request, f"{server.name} is registered.")
            _sync(request, server)
            return redirect("admin:registry_server_change", server.pk)
    return _shown(pages, request, form=ProbeForm(), offered=offered)


def _sync(request: HttpRequest, server: Server) -> None:
    try:
        report = syncing.sync_now(server, who=who_at(request))
    except RegistryError as error:
        messages.error(request, error.message)
        return
    aside = f", {len(report.set_aside)} set aside" if report.set_aside else ""
    messages.success(request, f"{report.offered} of its tools are offered{aside}.")


def _shown(pages: "ServerAdmin", request: HttpRequest, **context: Any) -> HttpResponse:
    context |= pages.admin_site.each_context(request)
    context |= {
        "opts": pages.opts,
        "title": "Probe a server",
        "back": reverse("admin:registry_server_changelist"),
    }
    return TemplateResponse(request, "admin/omni2/probe.html", context)
