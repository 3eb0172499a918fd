"""The pages of people: who they are, what they may do, how they get in."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import authority, issuing, mcp_clients, people, provisioning, switching
from accounts.admin import standing
from accounts.admin.forms import KeyForm, PersonForm, wanted_of
from accounts.errors import AccountsError
from accounts.models import User
from audit.recorded import Deed, RecordedAdmin, ShownOnce, badge, who_at
from audit.switched import ReasonForm

STATUSES = {"active": "success", "pending": "warning", "suspended": "danger"}
OWN_RISE = ["role", "teams", "status", "is_active", "is_staff", "is_superuser"]
REACH = list(people.REACH)
RIGHTS = ["is_staff", "is_superuser", "groups", "user_permissions"]


@admin.register(User)
class UserAdmin(RecordedAdmin):
    """People. They are suspended, not deleted: their questions are evidence."""

    form = PersonForm
    recorded_values: ClassVar = [*OWN_RISE, *REACH, "email", "groups"]
    list_display: ClassVar = ["email", "name", "standing", "role", "their_teams", "is_superuser"]
    list_filter: ClassVar = [
        ("status", ChoicesDropdownFilter),
        ("role", RelatedDropdownFilter),
        ("teams", RelatedDropdownFilter),
        "is_staff",
        "is_superuser",
    ]
    list_select_related: ClassVar = ["role"]
    list_fullwidth = True
    search_fields: ClassVar = ["email", "name", "slack_user_id"]
    filter_horizontal: ClassVar = ["teams", "groups", "user_permissions"]
    actions_detail: ClassVar = [
        *("make_setup_link", "issue_key", "approve", "reject", "reactivate", "suspend")
    ]
    readonly_fields: ClassVar = ["last_login", "date_joined"]
    fieldsets: ClassVar = [
        (None, {"fields": ["email", "name", "description"]}),
        ("What they may do", {"fields": [("status", "is_active"), "role", "teams"]}),
        ("Reach", {"fields": REACH}),
        ("Slack", {"fields": [("slack_team_id", "slack_user_id")], "classes": ["collapse"]}),
        ("Administration", {"fields": RIGHTS, "classes": ["collapse"]}),
        ("Dates", {"fields": [("last_login", "date_joined")], "classes": ["collapse"]}),
    ]
    add_fieldsets: ClassVar = [
        (None, {"fields": ["email", "name", "status", "role", "teams", *REACH]}),
    ]

    # --- What may be done -----------------------------------------------------------------------
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = not isinstance(obj, User) or standing.may_administer(request, obj)
        return allowed and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = list(self.readonly_fields)
        if not standing.is_super(request):
            names += RIGHTS
        if not authority.has(standing.administrator(request), authority.Right.PROMOTE_USERS):
            names += ["role", "teams"]
        if _only_promotes(request):
            names += ["email", "name", "description", "status", "is_active", *REACH]
            names += ["slack_team_id", "slack_user_id"]
        if standing.is_self(request, obj):
            names += OWN_RISE + ([] if standing.is_super(request) else REACH)
        return names

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        possible = {
            "suspend": obj.status == User.Status.ACTIVE,
            "reactivate": obj.status == User.Status.SUSPENDED,
            "approve": obj.status == User.Status.PENDING,
            "reject": obj.status == User.Status.PENDING,
            "setup-link": True,
            "issue-key": request.user.has_perm("accounts.add_apikey") and obj.may_act(),
        }[deed]
        if _only_promotes(request):
            return False
        self_too = deed == "issue-key" or not standing.is_self(request, obj)
        return possible and self_too and super().may_do(request, obj, deed)

    def get_field_queryset(self, db: Any, db_field: Any, request: Any) -> Any:
        rows = super().get_field_queryset(db, db_field, request)
        if rows is None:
            rows = db_field.remote_field.model._default_manager.all()
        return standing.may_be_given(request, rows)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if not change:
            obj.set_unusable_password()
        if "role" in form.changed_data:
            obj.claimed_role = None
        with authority.keeping_a_super_admin():
            super().save_model(request, obj, form, change)

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **options)
        except AccountsError as error:
            messages.error(request, str(error))
            return redirect(request.path)

    # --- What is shown --------------------------------------------------------------------------
    @display(description="status", ordering="status")
    def standing(self, person: User) -> SafeString:
        if person.standing() == "role_off":
            return badge("role switched off", "danger")
        if not person.is_active:
            return badge("inactive")
        return badge(person.get_status_display(), STATUSES[person.status])

    @display(description="teams")
    def their_teams(self, person: User) -> str:
        return ", ".join(str(team) for team in person.teams.all())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("teams")

    # --- What is done ---------------------------------------------------------------------------
    @action(description="Suspend", url_path="suspend", icon="block", variant=ActionVariant.DANGER)
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.find(request, object_id, "suspend")
        text = "They can no longer log in, ask or call; their API keys stop. It can be undone."
        deed = Deed(f"Suspend {person}?", text, "Suspend", form=ReasonForm, is_dangerous=True)
        return self._switch(request, person, deed, switching.suspend)

    @action(description="Activate", url_path="reactivate", icon="check")
    def reactivate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.find(request, object_id, "reactivate")
        text = "They may log in, ask and call again."
        deed = Deed(f"Activate {person}?", text, "Activate", form=ReasonForm)
        return self._switch(request, person, deed, switching.activate)

    @action(description="Approve", url_path="approve", icon="how_to_reg")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.find(request, object_id, "approve")
        role = person.role.name if person.role else "none"
        text = f"They may log in, ask and call from now on. Their role: {role}."
        deed = Deed(f"Let {person} in?", text, "Approve")
        return self._switch(request, person, deed, provisioning.approve)

    @action(description="Reject", url_path="reject", icon="block", variant=ActionVariant.DANGER)
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.find(request, object_id, "reject")
        text = "They stay out, also when they try again. It can be undone."
        deed = Deed(f"Keep {person} out?", text, "Reject", form=ReasonForm, is_dangerous=True)
        return self._switch(request, person, deed, provisioning.reject)

    def _switch(
        self, request: HttpRequest, person: User, deed: Deed, verb: Callable[..., object]
    ) -> HttpResponse:
        def do(values: Mapping[str, Any]) -> str:
            try:
                verb(person, by=standing.administrator(request), who=who_at(request), **values)
            except AccountsError as error:
                raise ValidationError(str(error)) from error
            return f"{person} is {person.get_status_display()}."

        return self.carry_out(request, person, deed, do=do)

    @action(description="Make set-up link", url_path="setup-link", icon="link")
    def make_setup_link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.find(request, object_id, "setup-link")

        def do(_: Mapping[str, Any]) -> ShownOnce:
            by = standing.administrator(request)
            link = people.make_setup_link(person, by=by, who=who_at(request))
            hint = "Whoever opens it sets the password. It works once, within a day."
            return ShownOnce(f"Set-up link for {person.email}", link, hint)

        text = "With it they set a password, once, within a day. An earlier link stops working."
        deed = Deed(f"Make a set-up link for {person}?", text, "Make the link")
        return self.carry_out(request, person, deed, do=do)

    @action(description="Issue API key", url_path="issue-key", icon="key")
    def issue_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.find(request, object_id, "issue-key")

        def do(values: Mapping[str, Any]) -> ShownOnce:
            try:
                text = issuing.issue(person, wanted_of(values), who=who_at(request))[1]
            except AccountsError as error:
                raise ValidationError(str(error)) from error
            clients = mcp_clients.configurations(text)
            return ShownOnce(f"API key for {person.email}", text, clients=clients)

        text = "It acts as this person, within what they may do and what is chosen here."
        deed = Deed(f"Issue an API key for {person}", text, "Issue the key", form=KeyForm)
        return self.carry_out(request, person, deed, do=do)


def _only_promotes(request: HttpRequest) -> bool:
    """Whether this administrator may change roles and teams of people, and nothing else of them."""
    who = standing.administrator(request)
    promotes = authority.has(who, authority.Right.PROMOTE_USERS)
    return promotes and not who.has_perm("accounts.add_user")


admin.site.unregister(Group)
# allauth's own pages would change logins without a word on the record.
for model in (EmailAddress, SocialAccount, SocialApp, SocialToken):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(Group)
class GroupAdmin(RecordedAdmin):
    """Bundles of admin permissions; who could change them could give themselves all."""

    search_fields: ClassVar = ["name"]
    filter_horizontal: ClassVar = ["permissions"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return standing.is_super(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return standing.is_super(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return standing.is_super(request)
