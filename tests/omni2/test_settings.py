"""Settings, `.env.example` and the code that reads them tell the same story."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("omni2", "gateway", "registry", "accounts", "audit", "slackapp")


def settings_text() -> str:
    return "".join(
        (ROOT / f"omni2/{name}.py").read_text() for name in ("settings", "login_settings")
    )


def named_in_settings() -> set[str]:
    text = settings_text()
    return set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', text))


def named_in_example() -> set[str]:
    return set(re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_every_setting_stands_in_the_example_and_none_else():
    assert named_in_example() == named_in_settings()


def test_no_setting_of_ours_is_read_and_then_ignored():
    text = settings_text()
    ours = set(re.findall(r"^([A-Z][A-Z_]+) = env\.", text, re.MULTILINE))
    framework = {"DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "SECURE_SSL_REDIRECT"}
    code = "\n".join(path.read_text() for app in APPS for path in (ROOT / app).rglob("*.py"))
    unread = {
        name
        for name in ours - framework
        if not re.search(rf"settings\.{name}\b", code) and len(re.findall(rf"\b{name}\b", text)) < 2
    }

    assert unread == set()
