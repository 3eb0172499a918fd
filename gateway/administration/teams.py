"""Teams over REST, and who is in them."""

from typing import Any

from django.db.models import Count, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import people, teams
from accounts.authority import Right
from accounts.models import Role, Team, User
from gateway import api_shapes as shapes
from gateway import explain
from gateway.administration import base
from gateway.administration.published import Before, PublishedShape

_PLAIN = ("key", "name", "description", "slack_channel", "notify_on_errors")


class TeamShape(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    slack_channel = serializers.CharField()
    notify_on_errors = serializers.BooleanField()
    default_role = serializers.CharField(allow_null=True)
    people = serializers.IntegerField()


class OneTeamShape(TeamShape):
    members = serializers.ListField(child=serializers.EmailField())


class TeamResultShape(serializers.Serializer):
    team = OneTeamShape()
    policy = PublishedShape()


class TeamChange(shapes.Strict):
    name = shapes.StrictText(max_length=128, required=False, allow_blank=True)
    description = shapes.StrictText(max_length=10_000, required=False, allow_blank=True)
    slack_channel = shapes.StrictText(max_length=128, required=False, allow_blank=True)
    notify_on_errors = serializers.BooleanField(required=False)
    default_role = shapes.StrictText(
        max_length=64, required=False, allow_null=True, help_text="A role's name; null: none."
    )


class TeamBody(TeamChange):
    key = shapes.StrictText(max_length=64)


class Member(shapes.Strict):
    person = shapes.StrictText(max_length=254, help_text="The e-mail address.")


def rows() -> QuerySet[Team]:
    """The teams with the number of people in each."""
    counted = Team.objects.annotate(people=Count("members"))
    return counted.select_related("default_role").order_by("key")


def present(team: Any) -> dict[str, Any]:
    """A team as `TeamShape` documents it."""
    shown = {name: getattr(team, name) for name in _PLAIN}
    role = team.default_role.name if team.default_role else None
    return {**shown, "default_role": role, "people": team.people}


def _whole(pk: int) -> dict[str, Any]:
    team = base.find(rows(), pk=pk)
    members = team.members.order_by("email").values_list("email", flat=True)
    return {**present(team), "members": list(members)}


def _values(shape: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    values = base.checked(shape, request)
    if values.get("default_role") is not None:
        values["default_role"] = base.named(Role.objects.all(), "default_role", values, key="name")
    return values


class TeamsView(base.AdminView):
    """The teams."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_teams",
        parameters=base.PAGING,
        responses={200: base.page_of(TeamShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        base.filters(request)
        return base.page(request, rows(), present)

    @extend_schema(
        operation_id="admin_create_team",
        request=TeamBody,
        responses={201: TeamResultShape, **base.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        values, before = _values(TeamBody, request), Before()
        by, who = base.administrator(request), base.who(request)
        team, version = teams.create(values, by=by, who=who)
        said = {"team": _whole(team.pk), "policy": before.present(version)}
        return Response(said, status=status.HTTP_201_CREATED)


class TeamView(base.AdminView):
    """One team. The policy names it, so it keeps its key."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(operation_id="admin_team", responses={200: OneTeamShape, **base.REFUSALS_OF_ONE})
    def get(self, request: Request, key: str) -> Response:
        return Response(_whole(base.find(Team.objects.all(), key=key).pk))

    @extend_schema(
        operation_id="admin_change_team",
        request=TeamChange,
        responses={200: TeamResultShape, **base.REFUSALS_OF_ONE},
    )
    def patch(self, request: Request, key: str) -> Response:
        team = base.find(Team.objects.all(), key=key)
        values, before = _values(TeamChange, request), Before()
        by, who = base.administrator(request), base.who(request)
        team, version = teams.change(team, values, by=by, who=who)
        return Response({"team": _whole(team.pk), "policy": before.present(version)})

    @extend_schema(
        operation_id="admin_delete_team",
        responses={200: PublishedShape, 409: shapes.Error, **base.REFUSALS_OF_ONE},
    )
    def delete(self, request: Request, key: str) -> Response:
        """Delete the team, unless anybody is in it."""
        team, before = base.find(Team.objects.all(), key=key), Before()
        by, who = base.administrator(request), base.who(request)
        return Response(before.present(teams.delete(team, by=by, who=who)))


class MembersView(base.AdminView):
    """Put somebody into a team."""

    required_right = Right.PROMOTE_USERS

    @extend_schema(
        operation_id="admin_join_team",
        request=Member,
        responses={200: OneTeamShape, **base.REFUSALS_OF_ONE},
    )
    def post(self, request: Request, key: str) -> Response:
        team = base.find(Team.objects.all(), key=key)
        person = explain.find_person(base.checked(Member, request)["person"])
        by, who = base.administrator(request), base.who(request)
        people.join(person, team, by=by, who=who)
        return Response(_whole(team.pk))


class MemberView(base.AdminView):
    """Take somebody out of a team."""

    required_right = Right.PROMOTE_USERS

    @extend_schema(
        operation_id="admin_leave_team", responses={200: OneTeamShape, **base.REFUSALS_OF_ONE}
    )
    def delete(self, request: Request, key: str, person_id: int) -> Response:
        team = base.find(Team.objects.all(), key=key)
        person = base.find(User.objects.filter(teams=team), pk=person_id)
        by, who = base.administrator(request), base.who(request)
        people.leave(person, team, by=by, who=who)
        return Response(_whole(team.pk))
