"""Logging in and out, and setting a password by a one-time link."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth import login, logout, views
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import sessions
from accounts.auth import who_of
from accounts.models import SetupLink, User
from accounts.policy import STANDINGS
from audit import record
from audit.models import Entry
from gateway.models import Door

PASSWORD_BACKEND = "accounts.backends.PasswordAndRole"


class LoginForm(AuthenticationForm):
    """E-mail address and password; the right password of somebody who may not act says so."""

    remember = forms.BooleanField(required=False, label="Remember me on this device")

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        standing = user.standing()
        if standing != "active":
            message = f"This account may not log in: it {STANDINGS[standing]}."
            raise ValidationError(message, "standing")


class LoginView(views.LoginView):
    """Log in; both what succeeds and what fails is on the record."""

    authentication_form = LoginForm
    template_name = "login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        sso = settings.OIDC_NAME if settings.OIDC_ISSUER else ""
        return super().get_context_data(**context) | {"sso": sso}

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(request.user, User) and not request.user.may_act():
            logout(request)
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        with transaction.atomic():
            response = super().form_valid(form)
            entered(self.request, remember=form.cleaned_data["remember"])
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        if getattr(self.request, "axes_locked_out", False):
            # `locked_out` answers, and writes it down.
            return super().form_invalid(form)
        record.write(
            Entry.Kind.AUTH_REFUSED,
            Entry.Outcome.REFUSED,
            who=who_of(self.request, Door.WEB),
            error_code="login_failed",
            detail={"person": _known_address(form.data.get("username"))},
        )
        return super().form_invalid(form)


class LogoutView(views.LogoutView):
    """Log out (by POST only), on the record."""

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(request.user, User):
            _record(request, Entry.Kind.AUTH_LOGOUT)
        return super().post(request, *args, **kwargs)


@require_POST
def log_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session of the person, this one too, on the record."""
    if isinstance(request.user, User):
        with transaction.atomic():
            ended = sessions.end_all(request.user)
            record.write(
                Entry.Kind.AUTH_LOGOUT,
                Entry.Outcome.OK,
                who=who_of(request, Door.WEB),
                detail={"sessions": ended},
            )
        logout(request)
    return redirect("login")


def entered(request: HttpRequest, *, remember: bool = False) -> None:
    """Put a login on the record, begin its session's time, and end what is too many of them."""
    _record(request, Entry.Kind.AUTH_LOGIN)
    sessions.begin(request, remember=remember)


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """The answer to every login while the address is locked for the account, right or wrong."""
    record.write(
        Entry.Kind.AUTH_LOCKED,
        Entry.Outcome.REFUSED,
        who=who_of(request, Door.WEB),
        error_code="locked",
        detail={"person": _known_address(request.POST.get("username"))},
    )
    minutes = settings.LOGIN_LOCKOUT_MINUTES
    context = {
        "status": 429,
        "message": f"Too many failed logins. Wait {minutes} minutes and try again.",
        "error_id": "",
    }
    response = render(request, "error.html", context, status=429)
    response["Retry-After"] = str(minutes * 60)
    return response


def _record(request: HttpRequest, kind: Entry.Kind) -> None:
    record.write(kind, Entry.Outcome.OK, who=who_of(request, Door.WEB))


def _known_address(typed: object) -> str:
    """The typed address where somebody has it: people type passwords into the wrong field."""
    person = User.objects.filter(email=str(typed or "").lower()[:254]).first()
    return person.email if person else ""


# --- Setting a password ---------------------------------------------------------------------------
@never_cache
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Set a password by a one-time link, and be logged in."""
    link = SetupLink.find(token)
    if link is None:
        return render(request, "setup_gone.html", status=410)
    form: SetPasswordForm = SetPasswordForm(link.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _set_up(request, link, form)
    return render(request, "setup.html", {"form": form, "person": link.user})


def _set_up(request: HttpRequest, link: SetupLink, form: SetPasswordForm) -> HttpResponse:
    with transaction.atomic():
        if not link.claim():
            return render(request, "setup_gone.html", status=410)
        user = cast(User, form.save())
        if user.may_act():
            login(request, user, backend=PASSWORD_BACKEND)
            sessions.begin(request)
        record.write(
            Entry.Kind.SETUP_DONE,
            Entry.Outcome.OK,
            who=who_of(request, Door.WEB),
            detail={"person": user.email},
        )
    return redirect("home")
