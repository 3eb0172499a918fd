"""Which model this deployment uses, from its settings."""

from dataclasses import replace
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from audit import redact, shapes
from gateway.llm.anthropic import AnthropicModel, Provider
from gateway.llm.base import Model
from gateway.llm.offline import OfflineModel

PROVIDERS = ("auto", "anthropic", "offline")
EFFORTS = ("", "low", "medium", "high", "xhigh", "max")


def model_for_deployment() -> Model:
    """The model for all questions; one instance for equal settings. Raises ImproperlyConfigured."""
    provider = settings.MODEL_PROVIDER
    reachable = bool(settings.ANTHROPIC_API_KEY or settings.ANTHROPIC_BASE_URL)
    if provider not in PROVIDERS:
        raise ImproperlyConfigured(
            f"OMNI2_MODEL_PROVIDER is {provider!r}; it must be one of {', '.join(PROVIDERS)}."
        )
    if provider == "offline" or (provider == "auto" and not reachable):
        return _offline()
    if not reachable:
        raise ImproperlyConfigured(
            "OMNI2_MODEL_PROVIDER is 'anthropic', which needs ANTHROPIC_API_KEY,"
            " or ANTHROPIC_BASE_URL for a compatible server."
        )
    return _anthropic(_provider())


def model_named(name: str) -> Model:
    """Another model of the deployment's provider, or `offline`. Raises ImproperlyConfigured."""
    if name == OfflineModel.name:
        return _offline()
    if not (settings.ANTHROPIC_API_KEY or settings.ANTHROPIC_BASE_URL):
        raise ImproperlyConfigured(
            f"There is no provider to ask for the model {name!r}: set ANTHROPIC_API_KEY, or"
            " ANTHROPIC_BASE_URL for a compatible server."
        )
    return _anthropic(replace(_provider(), model=name))


def _provider() -> Provider:
    if settings.MODEL_EFFORT not in EFFORTS:
        raise ImproperlyConfigured(
            f"OMNI2_MODEL_EFFORT is {settings.MODEL_EFFORT!r}; it must be empty or one of"
            f" {', '.join(EFFORTS[1:])}."
        )
    return Provider(
        model=settings.MODEL,
        api_key=settings.ANTHROPIC_API_KEY,
        base_url=settings.ANTHROPIC_BASE_URL or Provider.base_url,
        extra_headers=_extra_headers(),
        max_tokens=settings.MODEL_MAX_TOKENS,
        effort=settings.MODEL_EFFORT,
        plain=settings.MODEL_PLAIN_REQUESTS,
        timeout=settings.MODEL_TIMEOUT,
    )


def _extra_headers() -> tuple[tuple[str, str], ...]:
    headers = settings.MODEL_EXTRA_HEADERS
    if not isinstance(headers, dict) or not all(isinstance(one, str) for one in headers.values()):
        raise ImproperlyConfigured(
            'OMNI2_MODEL_EXTRA_HEADERS must be a JSON object of texts, as {"x-api-key": "..."}.'
        )
    return tuple(sorted(headers.items()))


@lru_cache(maxsize=8)
def _anthropic(provider: Provider) -> AnthropicModel:
    named = [value for name, value in provider.extra_headers if shapes.names_secret(name)]
    for secret in (provider.api_key, *named):
        redact.remember(secret)
    return AnthropicModel(provider)


@lru_cache(maxsize=1)
def _offline() -> OfflineModel:
    return OfflineModel()
