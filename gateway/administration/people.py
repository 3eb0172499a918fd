"""People over REST: who they are and how they stand."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import people, provisioning, switching
from accounts.authority import Right
from accounts.models import Role, Team, User
from gateway import api_shapes as shapes
from gateway.administration import base


class PersonShape(serializers.Serializer):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    name = serializers.CharField()
    status = serializers.CharField()
    active = serializers.BooleanField()
    role = serializers.CharField(allow_null=True)
    teams = serializers.ListField(child=serializers.CharField())
    super_admin = serializers.BooleanField()
    staff = serializers.BooleanField()
    allowed_mcps = serializers.JSONField()
    allowed_databases = serializers.JSONField()
    allowed_domains = serializers.JSONField()
    last_login = serializers.DateTimeField(allow_null=True)
    joined_at = serializers.DateTimeField()


DEED_RESPONSES = {
    200: PersonShape,
    400: shapes.Error,
    403: shapes.Error,
    404: shapes.Error,
    409: shapes.Error,
}


def rows() -> QuerySet[User]:
    """Everybody, in the order of their addresses."""
    return User.objects.select_related("role").prefetch_related("teams").order_by("email")


def present(person: User) -> dict[str, Any]:
    """A person as `PersonShape` documents them."""
    return {
        "id": person.pk,
        "email": person.email,
        "name": person.name,
        "status": person.status,
        "active": person.is_active,
        "role": person.role.name if person.role else None,
        "teams": sorted(team.key for team in person.teams.all()),
        "super_admin": person.is_superuser,
        "staff": person.is_staff,
        "allowed_mcps": person.allowed_mcps,
        "allowed_databases": person.allowed_databases,
        "allowed_domains": person.allowed_domains,
        "last_login": person.last_login,
        "joined_at": person.date_joined,
    }


class PersonChange(shapes.Strict):
    name = shapes.StrictText(max_length=128, required=False, allow_blank=True)
    description = shapes.StrictText(max_length=10_000, required=False, allow_blank=True)
    role = shapes.StrictText(
        max_length=64, required=False, allow_null=True, help_text="A role's name; null: none."
    )
    teams = serializers.ListField(
        child=shapes.StrictText(max_length=64), required=False, help_text="Keys of teams."
    )
    allowed_mcps = shapes.StrictJson(
        required=False, allow_null=True, help_text='"*", a list, a map; null: the default user\'s.'
    )
    allowed_domains = shapes.StrictJson(
        required=False, allow_null=True, help_text='"*" or a list; null: the default user\'s.'
    )
    allowed_databases = shapes.StrictJson(
        required=False, allow_null=True, help_text='"*" or a list; null: the default user\'s.'
    )


class PersonBody(PersonChange):
    email = serializers.EmailField(max_length=254)
    setup_link = serializers.BooleanField(default=False, help_text="Answer with a set-up link.")


class NewPersonShape(PersonShape):
    setup_link = serializers.CharField(
        allow_null=True, help_text="Where they set a password, once, within a day. Shown only here."
    )


class SetupLinkShape(serializers.Serializer):
    setup_link = serializers.CharField(help_text="Works once, within a day. Shown only here.")


def _values(shape: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    values = base.checked(shape, request)
    if values.get("role") is not None:
        values["role"] = base.named(Role.objects.all(), "role", values, key="name")
    if "teams" in values:
        keys = dict.fromkeys(values["teams"])
        each = ({"teams": key} for key in keys)
        values["teams"] = [base.named(Team.objects.all(), "teams", one, key="key") for one in each]
    return values


class PeopleView(base.AdminView):
    """The people."""

    required_right = Right.MANAGE_USERS

    @extend_schema(
        operation_id="admin_create_person",
        request=PersonBody,
        responses={201: NewPersonShape, **base.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Make a person; a role or teams of theirs need can_promote_users besides."""
        values = _values(PersonBody, request)
        by, who = base.administrator(request), base.who(request)
        wants_link, link = values.pop("setup_link"), None
        with transaction.atomic():
            person = people.create(values, by=by, who=who)
            if wants_link:
                link = people.make_setup_link(person, by=by, who=who)
        shown = present(base.find(rows(), pk=person.pk))
        return base.shown_once({**shown, "setup_link": link})

    @extend_schema(
        operation_id="admin_people",
        parameters=[
            *base.PAGING,
            OpenApiParameter("status", enum=User.Status.values),
            OpenApiParameter("role", description="The role's name."),
            OpenApiParameter("team", description="The team's key."),
            OpenApiParameter("search", description="Part of the address or the name."),
        ],
        responses={200: base.page_of(PersonShape), 400: shapes.Error, 403: shapes.Error},
    )
    def get(self, request: Request) -> Response:
        wanted = base.filters(request, "status", "role", "team", "search")
        found = rows()
        if "status" in wanted:
            status = base.one_of(wanted["status"], User.Status, "status")
            found = found.filter(status=status)
        if "role" in wanted:
            found = found.filter(role__name=wanted["role"])
        if "team" in wanted:
            found = found.filter(teams__key=wanted["team"])
        if "search" in wanted:
            part = wanted["search"]
            found = found.filter(Q(email__icontains=part) | Q(name__icontains=part))
        return base.page(request, found, present)


class PersonView(base.AdminView):
    """One person."""

    required_right = Right.MANAGE_USERS

    @extend_schema(
        operation_id="admin_person",
        responses={200: PersonShape, 403: shapes.Error, 404: shapes.Error},
    )
    def get(self, request: Request, person_id: int) -> Response:
        return Response(present(base.find(rows(), pk=person_id)))

    @extend_schema(
        operation_id="admin_change_person",
        request=PersonChange,
        responses={200: PersonShape, **base.REFUSALS_OF_ONE},
    )
    def patch(self, request: Request, person_id: int) -> Response:
        """Change a person; their role and teams need can_promote_users besides."""
        person = base.find(User.objects.all(), pk=person_id)
        values = _values(PersonChange, request)
        people.change(person, values, by=base.administrator(request), who=base.who(request))
        return Response(present(base.find(rows(), pk=person_id)))


class SetupLinkView(base.AdminView):
    """A link with which a person sets a password, once, within a day."""

    required_right = Right.MANAGE_USERS

    @extend_schema(
        operation_id="admin_setup_link",
        request=None,
        responses={201: SetupLinkShape, **base.REFUSALS_OF_ONE},
    )
    def post(self, request: Request, person_id: int) -> Response:
        person = base.find(User.objects.all(), pk=person_id)
        by, who = base.administrator(request), base.who(request)
        return base.shown_once({"setup_link": people.make_setup_link(person, by=by, who=who)})


class Reason(shapes.Strict):
    reason = shapes.StrictText(max_length=500, default="", allow_blank=True)


class SuspendView(base.AdminView):
    """Stop a person: no login, no key, no question, no call, from the next one on."""

    required_right = Right.MANAGE_USERS

    @extend_schema(operation_id="admin_suspend", request=Reason, responses=DEED_RESPONSES)
    def post(self, request: Request, person_id: int) -> Response:
        return _change(request, person_id, switching.suspend)


class ActivateView(base.AdminView):
    """Let a person act: after a suspension, or for the first time."""

    required_right = Right.MANAGE_USERS

    @extend_schema(operation_id="admin_activate", request=Reason, responses=DEED_RESPONSES)
    def post(self, request: Request, person_id: int) -> Response:
        return _change(request, person_id, switching.activate)


def _change(request: Request, person_id: int, verb: Callable[..., object]) -> Response:
    reason = base.checked(Reason, request)["reason"]
    person = base.find(rows(), pk=person_id)
    verb(person, by=base.administrator(request), who=base.who(request), reason=reason)
    return Response(present(base.find(rows(), pk=person_id)))


class Approval(shapes.Strict):
    role = shapes.StrictText(max_length=64, required=False)


class ApproveView(base.AdminView):
    """Let somebody in who waits for approval, perhaps with another role."""

    required_right = Right.MANAGE_USERS

    @extend_schema(operation_id="admin_approve", request=Approval, responses=DEED_RESPONSES)
    def post(self, request: Request, person_id: int) -> Response:
        name = base.checked(Approval, request).get("role")
        role = base.find(Role.objects.all(), name=name) if name else None
        person = base.find(rows(), pk=person_id)
        by, who = base.administrator(request), base.who(request)
        provisioning.approve(person, by=by, who=who, role=role)
        return Response(present(base.find(rows(), pk=person_id)))


class RejectView(base.AdminView):
    """Keep somebody out who waits for approval."""

    required_right = Right.MANAGE_USERS

    @extend_schema(operation_id="admin_reject", request=Reason, responses=DEED_RESPONSES)
    def post(self, request: Request, person_id: int) -> Response:
        return _change(request, person_id, provisioning.reject)
