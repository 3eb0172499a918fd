"""JSON in a form: what no database keeps is an error of its field, and no page fails over it."""

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput

from audit.storable import flaw_of
from registry.validators import check_storable


class KeptJSONField(forms.JSONField):
    """A JSON value that every database keeps as it is."""

    def to_python(self, value: Any) -> Any:
        try:
            read = super().to_python(value)
            check_storable(read)
        except RecursionError:
            raise forms.ValidationError("It is nested too deeply.") from None
        except ValueError:
            raise forms.ValidationError("A number in it has too many digits.") from None
        return read

    def bound_data(self, data: Any, initial: Any) -> Any:
        """The text as it was sent: read and written anew, it may be one that no page can hold."""
        return initial if self.disabled or data is None else InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        # Half a character from before it was refused: its escape can be sent, and put right.
        return json.dumps(value, ensure_ascii=bool(flaw_of(value)), cls=self.encoder)
