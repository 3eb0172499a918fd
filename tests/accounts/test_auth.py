"""Who a request is from: one identical 401 for every credential that does not do, 403 for scope."""

from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts import auth
from accounts.auth import ApiKeyAuthentication, RequiresScope, SessionAuthentication, who_of
from accounts.models import ApiKey, Role, User
from audit.models import Entry
from audit.record import Who

pytestmark = pytest.mark.django_db

TOKEN = "a" * 32
# The marks, the earlier refusals, the key; the entry, its place among the unsealed.
COST_OF_A_REFUSAL = 5


class Door(APIView):
    """Says who came in; needs the scope `tools` from a key."""

    authentication_classes: ClassVar = [ApiKeyAuthentication, SessionAuthentication]
    permission_classes: ClassVar = [RequiresScope]
    required_scope: str | None = "tools"

    def get(self, request: Any) -> Response:
        key = request.auth.prefix if request.auth else None
        return Response({"person": request.user.email, "key": key})

    post = get


class NamelessDoor(Door):
    required_scope = None


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("p@example.com")


def request_of(
    *, path: str = "/x", method: str = "get", user: Any = None, **headers: str
) -> HttpRequest:
    factory = APIRequestFactory(enforce_csrf_checks=True)
    request = getattr(factory, method)(path, **headers)
    request.user = user or AnonymousUser()
    return request


def ask(request: HttpRequest, door: type[APIView] = Door) -> Response:
    return door.as_view()(request).render()


def bearer(text: str, **more: Any) -> Response:
    return ask(request_of(HTTP_AUTHORIZATION=text, **more))


def test_a_good_key_is_its_person(user):
    key, text = ApiKey.issue(user, "laptop")
    response = bearer(f"Bearer {text}")
    assert (response.status_code, response.data) == (200, {"person": user.email, "key": key.prefix})


def test_the_word_bearer_may_be_written_in_any_case(user):
    assert bearer(f"bearer {ApiKey.issue(user, 'laptop')[1]}").status_code == 200


def spoiled(user: User, how: str) -> str:
    """The header of a key that was good until this was done to it."""
    key, text = ApiKey.issue(user, "laptop")
    secret = text.split("_", 2)[2]
    if how == "revoked":
        key.revoke()
    elif how == "expired":
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif how == "suspended":
        User.objects.update(status=User.Status.SUSPENDED)
    elif how == "pending":
        User.objects.update(status=User.Status.PENDING)
    elif how == "inactive":
        User.objects.update(is_active=False)
    return {
        "wrong secret": f"Bearer omni2_{key.prefix}_{'x' * 43}",
        "unknown": f"Bearer omni2_{'0' * 12}_{secret}",
    }.get(how, f"Bearer {text}")


REASONS = {
    **{how: how for how in ("revoked", "expired", "wrong secret", "unknown")},
    **dict.fromkeys(("suspended", "pending", "inactive"), "person may not act"),
}


@pytest.mark.parametrize("how", REASONS)
def test_a_spoiled_key_gets_the_same_401_as_any_other_and_the_record_says_which(user, how):
    response = bearer(spoiled(user, how))
    entry = Entry.objects.get()
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="omni2"')
    assert response.content == bearer("Bearer nonsense").content
    assert (entry.kind, entry.outcome, entry.detail["reason"]) == (
        "auth.refused",
        "refused",
        REASONS[how],
    )


MALFORMED = [
    *("", "Bearer", "Bearer ", "Bearer x", "Bearer omni2", "Bearer omni2_", "Bearer omni2__"),
    *("Bearer omni2_abc_secret", "Bearer omni3_000000000000_secret", "Bearer omni2_000000000000_"),
    *("Basic cDpw", "Digest x", "omni2_000000000000_secret", "Token omni2_000000000000_secret"),
    "Bearer  omni2_000000000000_secret",
    "Bearer omni2_000000000000_sec ret",
    "Bearer omni2_000000000000_secret, Bearer omni2_000000000000_secret",
    "Bearer omni2_000000000000_s\x00ecret",
    "Bearer omni2_00000\u0660000000_secret",
    "Bearer omni2_000000000000_s\xe9cret",
    "Bearer omni2_000000000000_" + "s" * 5_000,
    "Bearer " + "_" * 5_000,
]


@pytest.mark.parametrize("header", MALFORMED)
def test_what_is_not_written_as_a_key_is_a_401_without_a_look_at_the_keys(
    user, header, django_assert_num_queries
):
    request = request_of(HTTP_AUTHORIZATION=header)
    with django_assert_num_queries(COST_OF_A_REFUSAL - 3):
        response = ask(request)
    assert (response.status_code, response.content) == (401, bearer("Bearer nonsense").content)
    assert set(Entry.objects.values_list("detail__reason", flat=True)) == {"malformed"}


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic cDpw", ""])
def test_a_bad_header_never_falls_through_to_the_session(user, header):
    assert bearer(header, user=user).status_code == 401
    assert ask(request_of(user=user)).status_code == 200


def test_the_record_keeps_the_prefix_and_never_the_secret(user):
    key, text = ApiKey.issue(user, "laptop")
    key.revoke()
    bearer(f"Bearer {text}", HTTP_USER_AGENT="curl/8")
    entry = Entry.objects.get()
    assert (entry.api_key, entry.person, entry.address, entry.user_agent) == (
        key.prefix,
        user.email,
        "127.0.0.1",
        "curl/8",
    )
    assert text.split("_", 2)[2] not in repr(Entry.objects.values_list())


def test_a_key_in_the_address_is_no_key(user):
    _, text = ApiKey.issue(user, "laptop")
    statuses = [
        ask(request_of(path=f"/x?{name}={text}")).status_code
        for name in ("api_key", "token", "key", "access_token", "Authorization")
    ]
    assert statuses == [401] * 5


@pytest.mark.parametrize(
    "header",
    ["HTTP_X_USER", "HTTP_X_FORWARDED_USER", "HTTP_X_API_KEY", "REMOTE_USER", "HTTP_X_ADMIN"],
)
def test_nothing_a_request_says_about_itself_counts(user, header):
    assert ask(request_of(**{header: user.email})).status_code == 401


def test_a_wrong_prefix_costs_the_same_queries_as_a_wrong_secret(user, django_assert_num_queries):
    bearer(f"Bearer {ApiKey.issue(user, 'laptop')[1]}")
    for how in ("unknown", "wrong secret"):
        header = spoiled(user, how)
        request = request_of(HTTP_AUTHORIZATION=header)
        with django_assert_num_queries(COST_OF_A_REFUSAL):
            ask(request)


def test_a_key_that_was_let_in_costs_a_look_at_the_marks(user, django_assert_num_queries):
    user.role = Role.objects.create(name="viewer")
    user.save()
    header = f"Bearer {ApiKey.issue(user, 'laptop')[1]}"
    auth.prove(header, auth.Arrival("192.0.2.1"))

    with django_assert_num_queries(1):
        assert auth.prove(header, auth.Arrival("192.0.2.1"))[0] == user


def test_using_a_key_is_noted(user):
    key, text = ApiKey.issue(user, "laptop")
    bearer(f"Bearer {text}")
    key.refresh_from_db()
    assert timezone.now() - key.last_used_at < timedelta(minutes=1)


def test_nobody_is_a_401_and_not_a_403(db):
    response = ask(request_of())
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="omni2"')


def test_the_session_is_its_person_without_a_key(user):
    response = ask(request_of(user=user))
    assert (response.status_code, response.data) == (200, {"person": user.email, "key": None})


@pytest.mark.parametrize(
    "fields", [{"status": "suspended"}, {"status": "pending"}, {"is_active": False}]
)
def test_a_session_of_somebody_who_may_not_act_is_refused_and_recorded(user, fields):
    for name, value in fields.items():
        setattr(user, name, value)
    response = ask(request_of(user=user))
    entry = Entry.objects.get()
    assert (response.status_code, entry.person, entry.detail["reason"]) == (
        401,
        user.email,
        "person may not act",
    )


def test_a_session_needs_the_csrf_token_to_change_anything(user):
    forged = request_of(method="post", user=user)
    honest = request_of(method="post", user=user, HTTP_X_CSRFTOKEN=TOKEN)
    honest.COOKIES["csrftoken"] = TOKEN
    assert [ask(request).status_code for request in (forged, honest)] == [403, 200]


def test_a_key_needs_no_csrf_token(user):
    text = ApiKey.issue(user, "laptop")[1]
    assert bearer(f"Bearer {text}", method="post").status_code == 200


@pytest.mark.parametrize(
    ("scopes", "door", "status"),
    [
        (["tools"], Door, 200),
        (["query", "tools"], Door, 200),
        (["query", "read", "admin"], Door, 403),
        (["tools"], NamelessDoor, 403),
    ],
)
def test_a_key_opens_what_its_scopes_name(user, scopes, door, status):
    text = ApiKey.issue(user, "laptop", scopes=scopes)[1]
    assert ask(request_of(HTTP_AUTHORIZATION=f"Bearer {text}"), door).status_code == status


def test_a_missing_scope_is_told_by_its_code(user):
    text = ApiKey.issue(user, "laptop", scopes=["query"])[1]
    response = bearer(f"Bearer {text}")
    assert response.data == {
        "error": {"code": "scope", "message": "This key lacks the scope tools."}
    }


def test_who_it_was_comes_from_the_credential_and_the_connection(user):
    user.role = Role.objects.create(name="dev")
    user.save()
    key, text = ApiKey.issue(user, "laptop")
    seen = []

    class Noting(Door):
        def get(self, request: Any) -> Response:
            seen.append(who_of(request, "rest"))
            return Response({})

    headers = {
        "HTTP_AUTHORIZATION": f"Bearer {text}",
        "HTTP_USER_AGENT": "x" * 500,
        "HTTP_X_FORWARDED_FOR": "10.0.0.1",
    }
    ask(request_of(**headers), Noting)
    assert seen == [
        Who(
            person=user.email,
            role="dev",
            door="rest",
            address="127.0.0.1",
            user_agent="x" * 200,
            api_key=key.prefix,
        )
    ]
