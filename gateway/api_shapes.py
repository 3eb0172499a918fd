"""The shapes of the API's bodies: what comes in is checked by them, what goes out documented."""

from typing import Any

from rest_framework import serializers

from audit.storable import flaw_of


class Strict(serializers.Serializer):
    """A body in which a field we do not know is an error that names it."""

    def to_internal_value(self, data: Any) -> Any:
        for name in data if isinstance(data, dict) else ():
            if name not in self.fields:
                known = ", ".join(self.fields)
                raise serializers.ValidationError(
                    {str(name)[:100]: [f"There is no such field; there are: {known}."]}
                )
        return super().to_internal_value(data)


class StrictText(serializers.CharField):
    """Text, and nothing that could be made into text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("This must be text.")
        return super().to_internal_value(data)


class StrictJson(serializers.JSONField):
    """A JSON value that every database can hold."""

    def to_internal_value(self, data: Any) -> Any:
        flaw = flaw_of(data)
        if flaw:
            raise serializers.ValidationError(f"It holds {flaw}.")
        return super().to_internal_value(data)


class Ask(Strict):
    question = StrictText(max_length=1_000_000, trim_whitespace=False)
    conversation = serializers.UUIDField(required=False)
    wait = serializers.BooleanField(default=False)


class ToolCall(Strict):
    # Names are looked up as they came: one that was trimmed would be another.
    server = StrictText(max_length=64, trim_whitespace=False)
    tool = StrictText(max_length=255, trim_whitespace=False)
    arguments = serializers.DictField(default=dict)
    approval = serializers.UUIDField(required=False)


class Decide(Strict):
    decision = serializers.ChoiceField(choices=["approve", "refuse"])
    reason = StrictText(default="", allow_blank=True, trim_whitespace=False)


class Urls(serializers.Serializer):
    self = serializers.CharField()
    events = serializers.CharField()
    cancel = serializers.CharField()


class Approval(serializers.Serializer):
    id = serializers.UUIDField()
    state = serializers.CharField()
    person = serializers.EmailField()
    question = serializers.UUIDField(allow_null=True)
    server = serializers.CharField()
    tool = serializers.CharField()
    arguments = serializers.DictField()
    layer = serializers.CharField()
    rule = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    decided_by = serializers.EmailField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()
    call = serializers.UUIDField(allow_null=True)
    url = serializers.CharField()


class Accepted(serializers.Serializer):
    id = serializers.UUIDField()
    state = serializers.CharField()
    conversation = serializers.UUIDField()
    approvals = Approval(many=True)
    urls = Urls()


class Refusal(serializers.Serializer):
    layer = serializers.CharField()
    rule = serializers.CharField()
    reason = serializers.CharField()
    fix = serializers.CharField()
    grant_helps = serializers.BooleanField(help_text="Whether to request access would help.")
    decision_id = serializers.CharField(
        allow_null=True, help_text="By which the record knows this decision."
    )


class SettledOutcome(serializers.Serializer):
    carried_out = serializers.BooleanField()
    by = serializers.CharField()
    at = serializers.DateTimeField()
    note = serializers.CharField()


class Call(serializers.Serializer):
    id = serializers.UUIDField()
    server = serializers.CharField()
    tool = serializers.CharField()
    arguments = serializers.DictField()
    state = serializers.CharField()
    milliseconds = serializers.IntegerField()
    preview = serializers.CharField()
    refusal = Refusal(allow_null=True)
    connect_url = serializers.CharField(
        allow_null=True, help_text="Where the person first connects their own account."
    )
    instead_of = serializers.UUIDField(
        allow_null=True, help_text="The call of a server that could not be reached."
    )
    settled = SettledOutcome(
        allow_null=True, help_text="What an administrator said of an unknown outcome."
    )


class ToolResult(Call):
    text = serializers.CharField()
    is_error = serializers.BooleanField()


class ApprovalWithResult(Approval):
    result = ToolResult(allow_null=True)


class Approvals(serializers.Serializer):
    asked = Approval(many=True)
    to_decide = Approval(many=True)


class Tokens(serializers.Serializer):
    input = serializers.IntegerField()
    output = serializers.IntegerField()
    cache_read = serializers.IntegerField()
    cache_write = serializers.IntegerField()


class ErrorDetail(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField(required=False)
    hint = serializers.CharField(required=False, help_text="What to do about it.")
    error_id = serializers.CharField(required=False)
    layer = serializers.CharField(required=False)
    rule = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)
    fix = serializers.CharField(required=False)
    approval = Approval(required=False)
    grant_helps = serializers.BooleanField(required=False)


class Error(serializers.Serializer):
    error = ErrorDetail()


class LimitDetail(ErrorDetail):
    kind = serializers.CharField(
        help_text="requests_per_hour, concurrent_requests, calls_per_minute, calls_per_second,"
        " budget_requests, budget_tokens or budget_cost (US dollars)."
    )
    whose = serializers.CharField(help_text="As in: the role developer.")
    limit = serializers.FloatField()
    used = serializers.FloatField()
    held = serializers.FloatField(help_text="Kept for questions under way.")
    reset_seconds = serializers.IntegerField(
        allow_null=True,
        help_text="Also in the header Retry-After. Null: once a question has ended.",
    )


class LimitError(serializers.Serializer):
    """A limit is reached. `Retry-After` says in how many seconds there is room again."""

    error = LimitDetail()


class Limit(serializers.Serializer):
    """How a person stands with one limit."""

    kind = serializers.CharField()
    whose = serializers.CharField()
    period_days = serializers.IntegerField(allow_null=True, help_text="Of a budget.")
    limit = serializers.FloatField()
    used = serializers.FloatField()
    held = serializers.FloatField()
    percent = serializers.IntegerField()
    resets_at = serializers.DateTimeField(
        allow_null=True, help_text="Of a budget nobody has used yet: null."
    )
    reset_seconds = serializers.IntegerField(allow_null=True)


class UsageOfLimits(serializers.Serializer):
    person = serializers.CharField()
    limits = Limit(many=True, help_text="Only what is limited.")


class Claim(serializers.Serializer):
    """A figure, a date or a name in an answer: `answer[start:end]`, in characters, is `text`."""

    text = serializers.CharField()
    kind = serializers.CharField(help_text="number, date, time or identifier.")
    start = serializers.IntegerField()
    end = serializers.IntegerField()


class Citation(Claim):
    status = serializers.CharField(help_text="found, rounded, computed or asked.")
    origin = serializers.CharField(
        help_text="result, earlier (of the conversation), question, or arguments of the call."
    )
    call = serializers.UUIDField(allow_null=True, help_text="Null: from what the person said.")
    server = serializers.CharField()
    tool = serializers.CharField()
    how = serializers.CharField(help_text="How the source spells it, or how it was worked out.")
    excerpt = serializers.CharField(help_text="What stands around it. Data of a server.")


class Question(serializers.Serializer):
    id = serializers.UUIDField()
    state = serializers.CharField()
    question = serializers.CharField()
    answer = serializers.CharField()
    answer_html = serializers.CharField()
    warning = serializers.CharField(allow_null=True)
    citations = Citation(many=True, help_text="Figures, dates and names, and where they are from.")
    unsupported = Claim(many=True, help_text="Those that stand in no result.")
    checked = serializers.CharField(
        help_text="all; part: there was more to read than is read. Empty: nothing was looked at."
    )
    near_limits = Limit(many=True, help_text="Budgets of which this question left a fifth or less.")
    error = ErrorDetail(allow_null=True)
    conversation = serializers.UUIDField()
    door = serializers.CharField()
    model = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    milliseconds = serializers.IntegerField(allow_null=True)
    tokens = Tokens()
    cost_usd = serializers.CharField(allow_null=True)
    calls = Call(many=True)
    approvals = Approval(many=True)
    urls = Urls()


class Tool(serializers.Serializer):
    server = serializers.CharField()
    tool = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    input_schema = serializers.DictField()
    read_only = serializers.BooleanField()  # type: ignore[assignment]
    read_only_by = serializers.ChoiceField(
        ["server", "policy"],
        allow_blank=True,
        help_text="Who says so: the server, or the policy's group `read_only_safe`.",
    )


class Withheld(Refusal):
    server = serializers.CharField()
    tool = serializers.CharField()


class ToolList(serializers.Serializer):
    policy_version = serializers.CharField()
    tools = Tool(many=True)
    withheld = Withheld(many=True, required=False)
