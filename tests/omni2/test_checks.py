"""Every system check fires on what it is about, says what to do, and is silent otherwise."""

import re
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

from omni2 import checks

RIGHT = {
    "DEBUG": False,
    "SECRET_KEY": "0Xb6-not-in-any-example-Vw9q",
    "ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
    "STDIO_COMMANDS": [["/usr/bin/mcp-server-time"]],
    "MODEL_PROVIDER": "offline",
    "SLACK_BOT_TOKEN": "",
    "SLACK_SIGNING_SECRET": "",
    "INTERNAL_ADDRESSES": ["crm.internal:8080", "10.1.2.3:80", "[2001:DB8::5]:8080"],
    "REDIS_URL": "",
    "DATABASE_URL": "sqlite:///x",
}
REDIS, POSTGRES = "redis://127.0.0.1:6379/0", "postgres://u@127.0.0.1/omni2"


@pytest.fixture
def found(settings):
    """The ids of our own checks that fire when the settings differ from right ones in this."""

    def run(**wrong):
        for name, value in (RIGHT | wrong).items():
            setattr(settings, name, value)
        ours = [one for one in run_checks() if (one.id or "").startswith("omni2.")]
        assert all(one.hint for one in ours)
        return [one.id for one in ours]

    return run


@pytest.mark.parametrize(
    ("wrong", "ids"),
    [
        ({}, []),
        ({"SECRET_KEY": "change-me-please-0123456789"}, ["omni2.E001"]),
        ({"SECRET_KEY": "tooshort"}, ["omni2.E001"]),
        ({"SECRET_KEY": "tooshort", "DEBUG": True}, []),
        ({"ENCRYPTION_KEYS": ["nonsense"]}, ["omni2.E002"]),
        ({"ENCRYPTION_KEYS": [*RIGHT["ENCRYPTION_KEYS"], "a", "b"]}, ["omni2.E002", "omni2.E002"]),
        ({"STDIO_COMMANDS": []}, []),
        ({"STDIO_COMMANDS": ["/usr/bin/env"]}, ["omni2.E003"]),
        ({"STDIO_COMMANDS": [[]]}, ["omni2.E003"]),
        ({"STDIO_COMMANDS": [["a", 1]]}, ["omni2.E003"]),
        ({"STDIO_COMMANDS": {"a": ["b"]}}, ["omni2.E003"]),
        ({"MODEL_PROVIDER": "openai"}, ["omni2.E004"]),
        ({"MODEL_PROVIDER": "anthropic", "ANTHROPIC_API_KEY": ""}, ["omni2.E004"]),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, ["omni2.E005"]),
        ({"SLACK_SIGNING_SECRET": "s"}, ["omni2.E005"]),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}, []),
        ({"MCP_OAUTH": True}, ["omni2.E006"]),
        ({"MCP_OAUTH": True, "OIDC_ISSUER": "https://login.example.com"}, []),
        ({"SIEM_URL": "siem.example.com"}, ["omni2.E007"]),
        ({"SIEM_URL": "syslog+tls://siem.example.com:6514"}, []),
        ({"SIEM_SIGNING_SECRET": "whsec_no base64"}, ["omni2.E008"]),
        ({"EXPORT_HOURS": 0}, ["omni2.E009"]),
        ({"RETENTION": {"auth.logins": 3}}, ["omni2.E010"]),
        ({"REDIS_URL": REDIS}, ["omni2.W001"]),
        ({"INTERNAL_ADDRESSES": ["crm.internal", "[::1]:8080", "::1:8080"]}, ["omni2.W002"] * 2),
        ({"INTERNAL_ADDRESSES": ["[fe80::1%eth0]:8080"]}, ["omni2.W002"]),
        ({"REDIS_URL": REDIS, "DATABASE_URL": POSTGRES}, []),
    ],
)
def test_a_check_fires_on_its_own_fault_alone(found, wrong, ids):
    assert found(**wrong) == ids


def test_no_check_repeats_a_secret(found, settings):
    settings.SECRET_KEY, settings.ENCRYPTION_KEYS = "changeme-7781", ["not-a-key-7781"]

    said = "".join(f"{one.msg} {one.hint}" for one in run_checks())

    assert "7781" not in said


def test_every_id_is_tried_above():
    written = set(re.findall(r'id="(omni2\.\w+)"', Path(checks.__file__).read_text()))
    tried = set(re.findall(r'\["(omni2\.\w+)', Path(__file__).read_text()))

    assert tried == written
