"""What can go wrong in the record.

AuditError
├── AppendOnlyError    somebody tried to change or delete what was written
├── UnknownNameError   an entry of a kind, an outcome or a token count that the record does not know
├── PrunedError        sums cannot be made again from entries that are no longer there
├── SealingKeyError    blocks cannot be signed, or signatures not be held against a key
├── AnchorError        the record is not the one whose head was kept, or what was kept is unreadable
├── OldFormError       an entry was written in a form that cannot be erased so far
├── RoleError          the database role cannot be bound, or this database has none
├── RetentionError     how long entries are kept is not said in a way that can be read
└── BadFilter          what is asked for is no filter, or not a value of it; `field` names it
"""


class AuditError(Exception):
    """The record refused; nothing was written."""

    code = "audit_failed"
    status = 503


class AppendOnlyError(AuditError):
    """An entry or block of the record can be neither changed nor deleted."""

    code = "append_only"
    status = 403


class UnknownNameError(AuditError):
    """The name would make an entry nobody finds again."""

    code = "unknown_name"
    status = 500


class PrunedError(AuditError):
    """The record no longer holds what the sums were made of."""

    code = "pruned"
    status = 409


class SealingKeyError(AuditError):
    """Nothing is sealed without its signature; the message names what to mend."""

    code = "sealing_key"
    status = 503


class AnchorError(AuditError):
    """The head outside the database and the record do not agree."""

    code = "anchor"
    status = 503


class OldFormError(AuditError):
    """Erasing this would break the proof of the entry; nothing was erased."""

    code = "old_form"
    status = 409


class RoleError(AuditError):
    """No rights were given or taken."""

    code = "role"
    status = 409


class RetentionError(AuditError):
    """Nothing is taken away; the message names the rule and what to give."""

    code = "retention"
    status = 400


class BadFilter(AuditError):
    """Nobody can be shown entries by this; the message says what to give instead."""

    code = "bad_request"
    status = 400

    def __init__(self, message: str, *, field: str) -> None:
        self.field = field
        super().__init__(message)
