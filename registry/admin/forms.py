"""The form of a server that is reached over HTTP; one that is a command is not made on a page."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from registry import connecting, documents, moving
from registry.admin.json_field import KeptJSONField
from registry.credentials import check_credential, seal, unseal
from registry.errors import CredentialUnreadable, NotReady
from registry.mcp.errors import GuardRefused
from registry.mcp.guard import Origin, check_url, parse_url
from registry.models import MAY_ASK, Server
from registry.registering import fault_of_name

Authentication = Server.Authentication
# Which stored value the secret is, by the kind of authentication.
_SECRET_AS = {
    Authentication.BEARER: "api_key",
    Authentication.BASIC: "password",
    Authentication.API_KEY: "api_key",
    Authentication.HEADER: "header_value",
    Authentication.OAUTH: "client_secret",
    Authentication.CLIENT_CREDENTIALS: "client_secret",
}
JSON_FIELDS = ("tags", "may_ask", "argument_defaults")
_OF_OAUTH = ("client_id", "issuer", "scope")
# What is stored beside the secret and may be shown, by the kind of authentication.
_BESIDE: dict[str, tuple[str, ...]] = {
    Authentication.BASIC: ("username",),
    Authentication.API_KEY: ("header_name",),
    Authentication.HEADER: ("header_name",),
    Authentication.OAUTH: _OF_OAUTH,
    Authentication.CLIENT_CREDENTIALS: _OF_OAUTH,
}
_ALL_BESIDE = ("username", "header_name", *_OF_OAUTH)
_ADDRESS = {"transport", "url", "authentication", "secret", *_ALL_BESIDE}


class CredentialForm(forms.Form):
    """What convinces a server: it goes in and never comes out."""

    username = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget, help_text="For basic authentication."
    )
    header_name = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="For a custom header, or an API key that does not go into X-API-Key.",
    )
    secret = forms.CharField(
        required=False,
        strip=True,
        label="New secret",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Token, key, password, header value or client secret. Empty keeps what is "
        "stored. ${NAME} takes it from the environment when it is used.",
    )

    def entered(self, kind: Authentication, values: dict[str, Any]) -> dict[str, str]:
        """The credential as `registry.credentials` keeps it."""
        entered = {"type": kind.value}
        oauth = _SECRET_AS[kind] == "client_secret"
        for name in _BESIDE.get(kind, ()):
            if values[name]:
                entered[name] = values[name]
        if values["secret"] or not oauth:
            entered[_SECRET_AS[kind]] = values["secret"]
        return entered


def refuse_secret(form: CredentialForm, values: dict[str, Any]) -> None:
    """Say that a secret is of no use without authentication; it would be dropped."""
    if values["secret"]:
        form.add_error("secret", "Authentication none takes no secret.")


class ServerForm(CredentialForm, forms.ModelForm):
    """Checks name and address as calls will be."""

    client_id = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="For OAuth: who OMNI2 is to the authorization server, with the redirect address "
        "OMNI2_PUBLIC_URL/connections/NAME/callback/. Empty: it goes by its document, or registers "
        "itself, where it can.",
    )
    issuer = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="For OAuth: the authorization server. A client secret goes there and nowhere "
        "else. Empty: the one that the server names.",
    )
    scope = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="For OAuth: what is asked for. Empty: what the server names.",
    )

    document_url = forms.CharField(
        label="Document URL",
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextInputWidget,
        help_text="Where the OpenAPI document of a REST service lies; it is read at each sync.",
    )
    document = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget,
        help_text=f"Or its text, JSON or YAML: at most {documents.TEXT_LIMIT:,} bytes. "
        "A larger one is read from where it lies.",
    )

    class Meta:
        model = Server
        exclude: ClassVar = ["argv", "cwd"]
        field_classes: ClassVar = dict.fromkeys(JSON_FIELDS, KeptJSONField)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "transport" in self.fields:
            local = (Server.Transport.STDIO, Server.Transport.INTERNAL)
            offered = [one for one in Server.Transport.choices if one[0] not in local]
            self.fields["transport"] = forms.ChoiceField(
                choices=offered, widget=self.fields["transport"].widget
            )
        stored_document = getattr(self.instance, "document", None)
        if stored_document is not None:
            self.initial["document_url"] = stored_document.url
            self.initial["document"] = stored_document.text
        if self.instance.pk:
            stored = self._stored().get("authentication", {})
            beside = _BESIDE.get(self.instance.authentication, ())
            self.initial.update({name: stored.get(name, "") for name in beside})

    def is_multipart(self) -> bool:
        """As a file would be: a document, urlencoded, is up to three times as long."""
        return True

    def clean_may_ask(self) -> list[str]:
        asked = self.cleaned_data["may_ask"] or []
        if not isinstance(asked, list) or not all(one in MAY_ASK for one in asked):
            raise forms.ValidationError(f"A list is expected of: {', '.join(MAY_ASK)}.")
        return asked

    def clean_fallback(self) -> Server | None:
        other: Server | None = self.cleaned_data["fallback"]
        if other is not None and other.pk == self.instance.pk:
            raise forms.ValidationError("A server does not stand in for itself.")
        return other

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        fault = fault_of_name(name, besides=self.instance.pk or 0)
        if fault:
            raise forms.ValidationError(fault)
        return name

    def clean_owner(self) -> str:
        return str(self.cleaned_data["owner"]).lower()

    def clean_url(self) -> str:
        url = self.cleaned_data["url"]
        try:
            check_url(url, settings.INTERNAL_ADDRESSES)
        except GuardRefused as refused:
            raise forms.ValidationError(refused.reason) from refused
        return url

    def clean_tags(self) -> list[str]:
        tags = self.cleaned_data["tags"] or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise forms.ValidationError('A list of texts, for example ["production", "finance"].')
        return tags

    def clean_argument_defaults(self) -> dict[str, Any]:
        defaults = self.cleaned_data["argument_defaults"] or {}
        if not isinstance(defaults, dict):
            raise forms.ValidationError('A map from argument to value, as in {"format": "json"}.')
        return defaults

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.errors and "transport" in self.fields:
            self._check_document(values)
        if not self.errors and "secret" in self.fields:
            self._check_beside(values)
        if not self.errors and "secret" in self.fields:
            self._seal_credential(values)
        return values

    def _check_beside(self, values: dict[str, Any]) -> None:
        """Refuse what was entered for another kind: it would be dropped without a word."""
        kind = values["authentication"]
        if kind == Authentication.NONE:
            refuse_secret(self, values)
        for name in _ALL_BESIDE:
            # What was only shown goes with the kind that it belonged to.
            if values[name] and name in self.changed_data and name not in _BESIDE.get(kind, ()):
                self.add_error(name, f"Authentication {kind} takes none.")

    def _check_document(self, values: dict[str, Any]) -> None:
        document = values["document_url"], values["document"]
        fault = documents.fault_of(values["transport"], values["url"], *document)
        if fault is not None:
            self.add_error(fault.field, fault.message)

    def _seal_credential(self, values: dict[str, Any]) -> None:
        """Put the credential, sealed, on the instance; refuse one that could not be sent."""
        stored = self._stored()
        kind = Authentication(values["authentication"])
        if kind == Authentication.NONE:
            stored.pop("authentication", None)
        elif kind in (Authentication.OAUTH, Authentication.CLIENT_CREDENTIALS):
            stored["authentication"] = self.entered(kind, values) | self._kept_secret(kind, values)
        elif values["secret"]:
            stored["authentication"] = self.entered(kind, values)
        elif self._goes_elsewhere(kind, values) or not stored.get("authentication"):
            # Whoever may change an address must not have a stored secret sent to it.
            self.add_error("secret", "Enter the secret: none is stored for this address and kind.")
            return
        else:
            stored["authentication"] = self._kept(kind, values, stored["authentication"])
        self.instance.sealed = seal(stored)
        trial = Server(name=values.get("name") or self.instance.name, authentication=kind)
        trial.sealed = self.instance.sealed
        try:
            check_credential(trial)
        except NotReady as error:
            self.add_error("secret", error.message)

    def _stored(self) -> dict[str, Any]:
        try:
            return unseal(self.instance.sealed)
        except CredentialUnreadable:
            return {}

    def _kept(
        self, kind: Authentication, values: dict[str, Any], before: dict[str, str]
    ) -> dict[str, str]:
        """The stored credential with the names that were entered beside its secret."""
        names = {name: values[name] for name in _BESIDE.get(kind, ()) if values[name]}
        return {name: said for name, said in before.items() if name not in _ALL_BESIDE} | names

    def _kept_secret(self, kind: Authentication, values: dict[str, Any]) -> dict[str, str]:
        """The stored client secret, while it goes to the same place, in the same name."""
        stored = self._stored().get("authentication", {})
        same = all(stored.get(name, "") == values[name] for name in ("client_id", "issuer"))
        secret = stored.get("client_secret", "")
        if values["secret"] or not secret or not same or self._goes_elsewhere(kind, values):
            return {}
        return {"client_secret": secret}

    def _goes_elsewhere(self, kind: Authentication, values: dict[str, Any]) -> bool:
        before = self.initial.get("url") or ""
        return kind != self.initial.get("authentication") or _origin(before) != _origin(
            values["url"]
        )

    def save(self, commit: bool = True) -> Server:
        """The server; what was known of its health is void when calls go elsewhere now."""
        self._was_there = self.instance.pk is not None
        if not _ADDRESS.isdisjoint(self.changed_data):
            self.instance.health = Server.Health.UNKNOWN
            self.instance.last_error = ""
            if self._was_there:
                connecting.start_anew(self.instance)
        return super().save(commit)

    def _save_m2m(self) -> None:
        # What hangs on the row is saved after it, in the same transaction.
        super()._save_m2m()  # type: ignore[misc]  # the stubs do not know it
        if "document" in self.cleaned_data:
            values = self.cleaned_data
            kept = documents.keep(self.instance, values["document_url"], values["document"])
            if kept and self._was_there:
                moving.described_anew(self.instance)
        if self._was_there and not moving.ADDRESS.isdisjoint(self.changed_data):
            moving.moved(self.instance)


def _origin(url: str) -> Origin | None:
    try:
        return parse_url(url)
    except GuardRefused:
        return None
