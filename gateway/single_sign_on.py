"""Logging in by an identity provider: the code flow is django-allauth's, who one is then is ours.

allauth keeps the state and the PKCE verifier and fetches the tokens; it makes no person, no link
and no session here: `pre_social_login` ends its way and begins our own.
"""

from typing import Any, NoReturn

import jwt
import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth import login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts import single_sign_on
from accounts.auth import who_of
from accounts.errors import NotAllowed
from audit import record
from audit.models import Entry
from gateway.login import PASSWORD_BACKEND, entered
from gateway.models import Door

PROVIDER = "sso"
TIMEOUT_SECONDS = 10
# Signatures that need the provider's private key; what could be made with a public one is not.
SIGNATURES = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"})


class Session(requests.Session):
    """Requests to the provider: with a deadline, and no redirects."""

    def request(self, *args: Any, **options: Any) -> requests.Response:
        options["timeout"], options["allow_redirects"] = TIMEOUT_SECONDS, False
        return super().request(*args, **options)


class Adapter(DefaultSocialAccountAdapter):
    """What allauth asks us on its way."""

    def get_requests_session(self) -> requests.Session:
        return Session()

    def list_apps(
        self, request: Any, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The one provider of the settings; none is kept in the database."""
        if provider not in (None, PROVIDER, "openid_connect"):
            return []
        app = SocialApp(
            provider="openid_connect",
            provider_id=PROVIDER,
            name=settings.OIDC_NAME,
            client_id=settings.OIDC_CLIENT_ID,
            secret=settings.OIDC_CLIENT_SECRET,
            settings={"server_url": settings.OIDC_ISSUER},
        )
        return [app]

    def is_open_for_signup(self, request: Any, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: Any, sociallogin: Any) -> NoReturn:
        said = sociallogin.account.extra_data
        next_page = sociallogin.get_redirect_url(request)
        raise ImmediateHttpResponse(_log_in(request, said, next_page=next_page))

    def on_authentication_error(
        self,
        request: Any,
        provider: Any,
        error: Any = None,
        exception: Any = None,
        extra_context: Any = None,
    ) -> NoReturn:
        message = "The identity provider did not let you in, or the page was open too long."
        raise ImmediateHttpResponse(_refuse(request, message, reason=_reason(error, exception)))


class Provider(OpenIDConnectOAuth2Adapter):
    """allauth's adapter, except that an ID token is always there, and its signature checked."""

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **options: Any) -> Any:
        if not options["response"].get("id_token"):
            raise OAuth2Error("no id_token")
        return super().complete_login(request, app, token, **options)

    def get_provider(self) -> Any:
        """allauth's provider, which begins the way with an adapter of its own otherwise."""
        provider = super().get_provider()
        provider.get_oauth2_adapter = lambda request: self
        return provider

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return f"{settings.PUBLIC_URL}{reverse('sso-callback')}"

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        if jwt.get_unverified_header(id_token).get("alg") not in SIGNATURES:
            raise OAuth2Error("this signature is not taken")
        decoded: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
            verify_signature=True,
        )
        return decoded


@never_cache
def start(request: HttpRequest) -> HttpResponse:
    """Send the browser to the identity provider."""
    return _by(OAuth2LoginView, request)


@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """The browser comes back with a code."""
    return _by(OAuth2CallbackView, request)


def _by(view: Any, request: HttpRequest) -> HttpResponse:
    if not settings.OIDC_ISSUER:
        raise Http404
    try:
        answer: HttpResponse = view.adapter_view(Provider(request, PROVIDER))(request)
    except (requests.RequestException, jwt.PyJWTError, ValueError, KeyError) as error:
        message = "The identity provider does not answer as it should. Try again later."
        return _refuse(request, message, reason=type(error).__name__, status=502)
    return answer


def _log_in(request: HttpRequest, said: dict[str, Any], *, next_page: str | None) -> HttpResponse:
    try:
        identity = single_sign_on.identity_of(PROVIDER, said)
        person = single_sign_on.person_for(identity, who=who_of(request, Door.WEB))
        single_sign_on.require_standing(person)
    except NotAllowed as error:
        return _refuse(request, str(error), reason="not allowed")
    with transaction.atomic():
        login(request, person, backend=PASSWORD_BACKEND)
        entered(request)
    return redirect(next_page or "home")


def _reason(error: object, exception: Exception | None) -> str:
    return type(exception).__name__ if exception is not None else str(error or "")


def _refuse(request: HttpRequest, message: str, *, reason: str, status: int = 403) -> HttpResponse:
    record.write(
        Entry.Kind.AUTH_REFUSED,
        Entry.Outcome.REFUSED,
        who=who_of(request, Door.WEB),
        error_code="single_sign_on",
        detail={"reason": reason[:200], "message": message},
    )
    context = {"status": status, "message": message, "error_id": ""}
    return render(request, "error.html", context, status=status)
