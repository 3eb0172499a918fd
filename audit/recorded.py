"""What every admin class of the house stands on: each change is on the record, or is not made.

`RecordedAdmin` writes an entry in the transaction of the change. It names the fields that changed;
values stand there only for fields that a class lists, so that no secret gets in by being added.

What an administrator does to one object beyond editing it is a `Deed`: its page asks first,
and only a POST does it (a link that does something could be followed from anywhere).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction

from audit import changes
from audit.changes import Changed, plain
from audit.models import Entry
from audit.record import Who

DOOR = "admin"
USER_AGENT_LENGTH = 200


@dataclass(frozen=True)
class Deed:
    """What is asked before something is done to one object.

    `page` is the template that asks, with `context`. What `waits` for a network is not done in a
    transaction, which would hold the database meanwhile.
    """

    title: str
    text: str
    button: str
    form: type[forms.Form] = forms.Form
    initial: Mapping[str, Any] = field(default_factory=dict)
    page: str = "confirm"
    context: Mapping[str, Any] = field(default_factory=dict)
    is_dangerous: bool = False
    waits: bool = False


@dataclass(frozen=True)
class ShownOnce:
    """A secret that a deed made: on the page that answers the POST, and nowhere else."""

    title: str
    secret: str = field(repr=False)
    hint: str = ""
    # Text to copy that has the secret in it already: for `mcp_clients.html`.
    clients: Sequence[Any] = ()


def who_at(request: HttpRequest) -> Who:
    """The administrator as the record names them."""
    user: Any = request.user
    role = getattr(user, "role", None)
    return Who(
        person=user.get_username(),
        role=role.name if role else "",
        door=DOOR,
        address=str(request.META.get("REMOTE_ADDR", "")),
        user_agent=str(request.META.get("HTTP_USER_AGENT", ""))[:USER_AGENT_LENGTH],
    )


def badge(text: str, colour: str = "default") -> SafeString:
    """A state as a coloured label, in lists and on detail pages; colours are unfold's variants."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})


# What unfold calls the two ends of a filter by moments, each a date and a time.
_RANGE = re.compile(r"_(from|to)(_[01])?$")


class Pages(ModelAdmin):
    """Pages of one model, filtered by what its class lists and by no other column.

    Django lets an address filter by any column, and so by a password's hash, letter by letter.
    """

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        column = _RANGE.sub("", lookup.split("__")[0])
        listed = column in {_column(one) for one in self.list_filter}
        return listed and super().lookup_allowed(lookup, value, request)

    def formfield_for_manytomany(self, db_field: Any, request: Any, **options: Any) -> Any:
        """Two lists with arrows between them are no matter of holding down a key."""
        made = super().formfield_for_manytomany(db_field, request, **options)
        if made and db_field.name in {*self.filter_horizontal, *self.filter_vertical}:
            made.help_text = db_field.help_text
        return made


class RecordedAdmin(Pages):
    """An admin class that writes `admin.changed` for whatever it adds, changes, deletes or does."""

    recorded_values: ClassVar[Sequence[str]] = ()
    # Kinds of entries for what is done here, where there is a better one than "changed".
    kinds: ClassVar[Mapping[str, Entry.Kind]] = {}
    warn_unsaved_form = True

    def note(self, request: HttpRequest, obj: Model, action: str, **detail: Any) -> None:
        """Record one thing done to one object."""
        kind = self.kinds.get(action, Entry.Kind.ADMIN_CHANGED)
        facts = self.facts_of(obj)
        changes.note(obj, action, who=who_at(request), kind=kind, facts=facts, **detail)

    def facts_of(self, obj: Model) -> dict[str, Any]:
        """Columns of the entry that the object fills, such as the server's name."""
        return {}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            said = self.changed(form).detail()
            self.note(request, obj, "changed" if change else "added", **said)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        with transaction.atomic():
            super().save_formset(request, form, formset, change)
            for obj in formset.new_objects:
                self.note(request, obj, "added")
            for obj, fields in formset.changed_objects:
                self.note(request, obj, "changed", fields=fields)
            for obj in formset.deleted_objects:
                self.note(request, obj, "deleted")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            self.note(request, obj, "deleted")
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            for obj in queryset:
                self.note(request, obj, "deleted")
            super().delete_queryset(request, queryset)

    def changed(self, form: "forms.ModelForm[Any]") -> Changed:
        """What somebody entered that was not so before."""
        names = tuple(form.changed_data)
        values = {
            name: [plain(form.initial.get(name)), plain(form.cleaned_data.get(name))]
            for name in names
            if name in self.recorded_values
        }
        return Changed(names, values)

    # --- Deeds -----------------------------------------------------------------------------------
    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        """Whether this administrator may do that to this object, and it makes sense now."""
        return self.has_change_permission(request, obj)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        obj = self.get_object(request, str(object_id))
        if obj is None:
            return []
        actions: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        return [one for one in actions if self.may_do(request, obj, one.path)]

    def find(self, request: HttpRequest, object_id: str, deed: str) -> Any:
        """The object, for an administrator who may do this to it; 404 or 403 otherwise."""
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404
        if not self.may_do(request, obj, deed):
            raise PermissionDenied
        return obj

    def carry_out(
        self,
        request: HttpRequest,
        obj: Any,
        deed: Deed,
        *,
        do: Callable[[Mapping[str, Any]], str | ShownOnce],
    ) -> HttpResponse:
        """Ask on GET, do it on POST. A ValidationError of `do` is shown where it was asked."""
        data = request.POST if request.method == "POST" else None
        form = deed.form(data, initial=dict(deed.initial))
        if request.method == "POST" and form.is_valid():
            try:
                with nullcontext() if deed.waits else transaction.atomic():
                    said = do(form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return self._done(request, obj, said)
        context = {"deed": deed, "form": form, "title": deed.title}
        return self._page(request, obj, deed.page, **context, **deed.context)

    def _done(self, request: HttpRequest, obj: Any, said: str | ShownOnce) -> HttpResponse:
        if isinstance(said, ShownOnce):
            return self._page(request, obj, "shown_once", shown=said, title=said.title)
        messages.success(request, said)
        return redirect(self._address(obj))

    def _page(self, request: HttpRequest, obj: Any, name: str, **context: Any) -> HttpResponse:
        context |= self.admin_site.each_context(request)
        context |= {"opts": self.opts, "original": obj, "back": self._address(obj)}
        return TemplateResponse(request, f"admin/omni2/{name}.html", context)

    def _address(self, obj: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=(obj.pk,))


class DeedsOnlyAdmin(RecordedAdmin):
    """Rows that nobody adds, edits or deletes here: there are only deeds to be done to them."""

    warn_unsaved_form = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def render_change_form(self, request: Any, context: Any, *args: Any, **options: Any) -> Any:
        nothing_to_save = {"show_save": False, "show_save_and_continue": False}
        return super().render_change_form(request, context | nothing_to_save, *args, **options)


class ReadOnlyAdmin(Pages):
    """An admin class that shows and changes nothing, whoever looks."""

    list_fullwidth = True
    list_filter_submit = True
    show_full_result_count = False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Without filters there is no more than is shown, and unfold offers no "Show all"."""
        listed = super().get_changelist_instance(request)
        if not (listed.query or listed.has_active_filters):
            listed.full_result_count = listed.result_count
        return listed

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _column(filtered: Any) -> str:
    """The column, or the parameter, of one item of a `list_filter`."""
    if isinstance(filtered, type):
        return str(getattr(filtered, "parameter_name", ""))
    name = filtered if isinstance(filtered, str) else filtered[0]
    return str(name).split("__")[0]
