"""Settings, `.env.example` and the code that reads them tell the same story."""

import json
import os
import re
import subprocess
import sys
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


def test_what_the_address_of_postgresql_says_of_the_connection_is_kept():
    read = (
        "import json; from omni2 import settings;"
        "options = settings.DATABASES['default']['OPTIONS'];"
        "print(json.dumps([options['sslmode'], options['options']]))"
    )
    env = os.environ | {"DATABASE_URL": "postgres://a:b@db.example.com/omni2?sslmode=verify-full"}
    found = subprocess.run(
        [sys.executable, "-c", read], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert json.loads(found.stdout) == ["verify-full", "-c jit=off"]
