"""What an error of the SDK means: try again, or give up, and a sentence for the person.

The provider's own words are shown only where they say what is wrong with the request; errors about
keys are not, for some servers repeat the key.
"""

from typing import Any

from gateway.llm.base import ModelCut, ModelError, ModelRefused, ModelUnavailable
from gateway.llm.patience import asked_to_wait

_AGAIN = frozenset({408, 409, 429})
_SHOWN = 300
# Error events inside a stream that a second attempt would meet again.
_FINAL = frozenset(
    {
        "authentication_error",
        "billing_error",
        "invalid_request_error",
        "not_found_error",
        "permission_error",
        "request_too_large",
    }
)
_SENTENCES = {
    401: "The model's server does not accept this deployment's key.",
    402: "The model's server asks for payment: the deployment's account has no credit.",
    403: "The model's server forbids this deployment to use the model.",
    413: "The question with its tools and results is too long for the model's server.",
}


class Transient(Exception):
    """An attempt that may succeed when repeated; `asked` is the wait the server asked for."""

    def __init__(self, error: ModelError, *, asked: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.asked = asked


def judge_opening(error: Exception, sdk: Any, *, model: str) -> Exception:
    """What to raise for a request that got no stream; what we do not know comes back unchanged."""
    if isinstance(error, sdk.APIStatusError):
        if error.status_code in _AGAIN or error.status_code >= 500:
            return _busy(error)
        return _refusal(error, model)
    if isinstance(error, sdk.APIConnectionError):
        return Transient(ModelUnavailable("The model's server cannot be reached."))
    return error


def judge_reading(error: Exception, sdk: Any) -> Exception:
    """What to raise for a stream that broke off: an error event, bad JSON, a lost connection."""
    if not isinstance(error, sdk.APIStatusError):
        return Transient(ModelCut("The model's answer broke off before it was complete."))
    if error.type in _FINAL:
        return ModelRefused(f"The model's server refused the request ({error.type}).")
    return Transient(ModelUnavailable(f"The model's server failed while answering ({error.type})."))


def _busy(error: Any) -> Transient:
    asked = asked_to_wait(error.response.headers)
    status = error.status_code
    problem = "is busy" if status in (429, 529) else f"failed (HTTP {status})"
    later = f" and asks to wait {asked:.0f} seconds" if asked and asked >= 1 else ""
    failure = ModelUnavailable(f"The model's server {problem}{later}.", status=status)
    return Transient(failure, asked=asked)


def _refusal(error: Any, model: str) -> ModelRefused:
    status = error.status_code
    if status in _SENTENCES:
        return ModelRefused(_SENTENCES[status], status=status)
    if status == 404:
        sentence = f"The model's server does not know the model {model}, or has no Messages API."
        return ModelRefused(sentence, status=status)
    said = error.api_message if isinstance(error.api_message, str) else ""
    reason = f": {said[:_SHOWN]}" if said and status in (400, 422) else ""
    return ModelRefused(
        f"The model's server refused the request (HTTP {status}){reason}.", status=status
    )
