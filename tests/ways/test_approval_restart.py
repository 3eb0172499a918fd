"""Between asking, approving and answering every process may end: the rows hold it all."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import mcp_server

ROOT = Path(__file__).resolve().parents[2]

PREPARE = """
import sys, django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.approving import approver, confirm
from tests.cast import assemble, register
assemble(); register(sys.argv[1]); confirm("get_time"); approver()
"""
REPORT = """
import json, django; django.setup()
from gateway import present
from gateway.models import Question
print(json.dumps(present.question(Question.objects.get())))
"""


@pytest.mark.deployed
def test_three_processes_ask_approve_and_read_the_answer_of_one_call(tmp_path):
    with mcp_server.serve() as upstream:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "omni2.settings",
            "OMNI2_DATA_DIR": str(tmp_path),
            "OMNI2_MODEL_PROVIDER": "offline",
            "OMNI2_INTERNAL_ADDRESSES": upstream.address,
            "OMNI2_LOG_LEVEL": "ERROR",
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }

        def python(*arguments):
            command = [sys.executable, *arguments]
            return subprocess.run(
                command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60
            )

        python("-c", PREPARE, upstream.url).check_returncode()
        text = "What is the time now in UTC?"
        asked = python("manage.py", "ask", text, "--as", "dev@example.com", "--json")
        [approval] = json.loads(asked.stdout)["approvals"]
        assert (asked.returncode, approval["state"], upstream.calls) == (1, "waiting", [])

        said = python(
            "manage.py", "approvals", "approve", approval["id"], "--as", "cleo@example.com"
        )
        assert re.search("is approved", said.stdout), said.stderr

        answered = json.loads(python("-c", REPORT).stdout)

    assert (answered["state"], [call["state"] for call in answered["calls"]]) == (
        "answered",
        ["done"],
    )
    assert [name for name, _ in upstream.calls] == ["get_time"]
    assert answered["approvals"][0]["call"] == answered["calls"][0]["id"]
