from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from audit.redact import redact_text
from gateway.llm.anthropic import AnthropicModel
from gateway.llm.choice import model_for_deployment, model_named
from gateway.llm.offline import OfflineModel


@pytest.fixture(autouse=True)
def bare(settings: Any) -> None:
    """No key and no server, whatever the environment of the test run has."""
    settings.MODEL_PROVIDER = "auto"
    settings.MODEL = "claude-sonnet-5-5"
    settings.MODEL_EFFORT = ""
    settings.MODEL_EXTRA_HEADERS = {}
    settings.ANTHROPIC_API_KEY = ""
    settings.ANTHROPIC_BASE_URL = None


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, OfflineModel),
        ({"ANTHROPIC_API_KEY": "sk-1-for-tests"}, AnthropicModel),
        ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:11434"}, AnthropicModel),
        ({"ANTHROPIC_API_KEY": "sk-1-for-tests", "MODEL_PROVIDER": "offline"}, OfflineModel),
        ({"ANTHROPIC_API_KEY": "sk-1-for-tests", "MODEL_PROVIDER": "anthropic"}, AnthropicModel),
    ],
)
def test_settings_choose_the_model(settings: Any, values: dict[str, str], kind: type) -> None:
    for name, value in values.items():
        setattr(settings, name, value)
    assert type(model_for_deployment()) is kind


def test_equal_settings_share_one_model_and_others_do_not(settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = "sk-1-for-tests"
    first = model_for_deployment()
    assert model_for_deployment() is first
    settings.MODEL = "claude-haiku-5-5"
    second = model_for_deployment()
    assert (first.name, second.name) == ("claude-sonnet-5-5", "claude-haiku-5-5")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "MODEL_PROVIDER",
            "openai",
            "OMNI2_MODEL_PROVIDER is 'openai'; it must be one of auto, anthropic, offline.",
        ),
        (
            "MODEL_PROVIDER",
            "anthropic",
            "OMNI2_MODEL_PROVIDER is 'anthropic', which needs ANTHROPIC_API_KEY,"
            " or ANTHROPIC_BASE_URL for a compatible server.",
        ),
    ],
)
def test_a_provider_that_cannot_be_is_said(
    settings: Any, name: str, value: str, message: str
) -> None:
    setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        model_for_deployment()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODEL_EFFORT", "heroic"),
        ("MODEL_EXTRA_HEADERS", ["x-team"]),
        ("MODEL_EXTRA_HEADERS", {"x-team": 1}),
    ],
)
def test_other_wrong_settings_are_said(settings: Any, name: str, value: Any) -> None:
    settings.ANTHROPIC_API_KEY = "sk-1-for-tests"
    setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=f"OMNI2_{name}"):
        model_for_deployment()


def test_keys_are_redacted_from_then_on(settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = "plain words one"
    settings.MODEL_EXTRA_HEADERS = {"x-api-key": "plain words two", "x-team": "plain words three"}
    said = "plain words one, plain words two, plain words three"
    assert redact_text(said) == said
    model_for_deployment()
    redacted = redact_text(said)
    assert [word in redacted for word in ("one", "two", "three")] == [False, False, True]


def test_another_model_of_the_same_provider_is_chosen_by_its_name(settings):
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = "sk-test-1", ""

    assert model_named("claude-other").name == "claude-other"
    assert model_named("offline").name == "offline"


def test_without_a_provider_there_is_only_the_offline_router(settings):
    settings.ANTHROPIC_API_KEY = settings.ANTHROPIC_BASE_URL = ""

    with pytest.raises(ImproperlyConfigured, match="no provider"):
        model_named("claude-other")
