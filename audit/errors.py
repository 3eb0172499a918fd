"""What can go wrong in the record.

AuditError
├── AppendOnlyError    somebody tried to change or delete what was written
├── UnknownNameError   an entry of a kind, an outcome or a token count that the record does not know
├── PrunedError        sums cannot be made again from entries that are no longer there
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


class BadFilter(AuditError):
    """Nobody can be shown entries by this; the message says what to give instead."""

    code = "bad_request"
    status = 400

    def __init__(self, message: str, *, field: str) -> None:
        self.field = field
        super().__init__(message)
