"""The page of the policy's versions: what each changed, for whom, and the way back to it."""

import json
from collections.abc import Iterable, Mapping
from difflib import unified_diff
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import versions
from accounts.admin import standing
from accounts.errors import AccountsError
from accounts.models import PolicyVersion
from audit.recorded import Deed, DeedsOnlyAdmin, who_at

MOST_LINES = 200
SHOWN = ["created_at", "author", "note", "digest", "rules", "effects", "compared"]
_LINE_CLASSES = {"+": "omni-add", "-": "omni-del", "@": "omni-at"}


@admin.register(PolicyVersion)
class PolicyVersionAdmin(DeedsOnlyAdmin):
    """Every policy that was in force, what made each differ from the one before, and for whom."""

    list_display: ClassVar = ["id", "created_at", "author", "short", "summary"]
    list_fullwidth = True
    fields: ClassVar = SHOWN
    readonly_fields: ClassVar = SHOWN
    actions_detail: ClassVar = ["roll_back"]

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        """Only super admins: an earlier version may give anybody more, oneself too."""
        newest = versions.newest()
        earlier = newest is not None and obj.pk != newest.pk
        may = versions.may_replace(standing.administrator(request))
        return earlier and may and super().may_do(request, obj, deed)

    @display(description="digest")
    def short(self, version: PolicyVersion) -> str:
        return version.digest[:12]

    @display(description="difference")
    def summary(self, version: PolicyVersion) -> str:
        lines = version.difference.splitlines()
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        return (lines[0][:120] if lines else version.note[:120]) + more

    @display(description="difference in rules")
    def rules(self, version: PolicyVersion) -> SafeString:
        return _listed(version.difference.splitlines())

    @display(description="who gains, who loses")
    def effects(self, version: PolicyVersion) -> SafeString:
        if version.effect is None:
            return _listed(["not known: the version is older than this question"])
        changes = versions.lines(versions.effect_of(version), most=MOST_LINES)
        return _listed(changes or ["nobody, as far as tools go"])

    @display(description="against the version before")
    def compared(self, version: PolicyVersion) -> SafeString:
        earlier = PolicyVersion.objects.filter(pk__lt=version.pk).order_by("-pk").first()
        before = _lines(earlier.document) if earlier else []
        lines = list(unified_diff(before, _lines(version.document), lineterm="", n=2))[2:]
        marked = ((_LINE_CLASSES.get(line[:1], ""), line) for line in lines)
        joined = format_html_join("\n", "<span class='{}'>{}</span>", marked)
        return format_html("<pre class='omni-text'>{}</pre>", joined)

    @action(
        description="Roll back to it",
        url_path="roll-back",
        icon="undo",
        variant=ActionVariant.DANGER,
    )
    def roll_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = self.find(request, object_id, "roll-back")
        newest = versions.newest()

        def do(_: Mapping[str, Any]) -> str:
            try:
                made = versions.roll_back(version, who=who_at(request))
            except AccountsError as error:
                raise ValidationError(str(error)) from error
            return f"Version {made.pk} is in force; it says what version {version.pk} says."

        assert newest is not None, "may_do has found one"
        differs = versions.compare(newest, version)
        deed = Deed(
            f"Roll the policy back to version {version.pk}?",
            "Rules, and what roles and teams say of the policy, become what they were then. People"
            " and their grants stay. It is in force with the next call, and can be rolled back.",
            "Roll back",
            page="roll_back",
            context={
                "newest": newest,
                "rules": differs.rules,
                "effects": versions.lines(differs.effect, most=MOST_LINES),
            },
            is_dangerous=True,
        )
        return self.carry_out(request, version, deed, do=do)


def _listed(lines: Iterable[str]) -> SafeString:
    joined = format_html_join("\n", "{}", ((line,) for line in lines))
    return format_html("<pre class='omni-text'>{}</pre>", joined or "nothing")


def _lines(document: Any) -> list[str]:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).splitlines()
