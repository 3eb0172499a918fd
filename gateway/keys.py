"""The page of one's own API keys."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import issuing, mcp_clients
from accounts.auth import who_of
from accounts.errors import AccountsError
from accounts.models import ApiKey, User
from gateway.models import Door
from gateway.web import person_required


class KeyForm(forms.Form):
    """What a new key of one's own may be used for."""

    name = forms.CharField(max_length=128, help_text="Where it will be used, such as “laptop”.")
    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope.choices,
        initial=list(issuing.USUAL_SCOPES),
        widget=forms.CheckboxSelectMultiple,
    )
    servers = forms.CharField(
        required=False,
        help_text="Names of servers, separated by blanks. Empty: every server you reach.",
    )
    days = forms.IntegerField(required=False, min_value=0, label="Works for so many days")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        usual, most = settings.KEY_DAYS, issuing.most_days()
        said = f"Empty: {usual} days." if usual else "Empty: without an end."
        self.fields["days"].help_text = f"{said} At most {most}." if most else said


@person_required
@never_cache
def keys(request: HttpRequest) -> HttpResponse:
    """One's own keys, and a form for another one, which is shown on the page that answers."""
    person = cast(User, request.user)
    form = KeyForm(request.POST or None)
    fresh = ""
    if request.method == "POST" and form.is_valid():
        values: dict[str, Any] = form.cleaned_data | {
            "servers": form.cleaned_data["servers"].split()
        }
        try:
            _, fresh = issuing.issue(
                person, issuing.Wanted(**values), who=who_of(request, Door.WEB)
            )
            form = KeyForm()
        except AccountsError as error:
            form.add_error(error.field or None, str(error))
    context = {
        "form": form,
        "fresh": fresh,
        "keys": person.api_keys.order_by("-pk"),
        "clients": mcp_clients.configurations(fresh or mcp_clients.PLACEHOLDER),
    }
    return render(request, "keys.html", context)


@person_required
@require_POST
def revoke(request: HttpRequest, prefix: str) -> HttpResponse:
    """Stop one of one's own keys."""
    key = cast(User, request.user).api_keys.filter(prefix=prefix[:16]).first()
    if key is None:
        raise Http404
    issuing.revoke(key, who=who_of(request, Door.WEB))
    return redirect("keys")
