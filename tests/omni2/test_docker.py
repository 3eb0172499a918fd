"""The image and the compose file, as far as they can be held to their word without an engine."""

import os
import re
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "compose.yml"
SERVICES = YAML(typ="safe").load(COMPOSE)["services"]


def run(program: str, *arguments: str | Path) -> str:
    command = [str(Path(sys.executable).with_name(program)), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_hadolint_has_nothing_to_say_about_the_dockerfile() -> None:
    assert run("hadolint", DOCKERFILE) == ""


def test_compose_file_follows_the_compose_specification() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


def test_services_are_the_whole_product_and_its_two_stores() -> None:
    names = {"migrate", "web", "worker", "scheduler", "develop", "postgres", "redis"}
    assert set(SERVICES) == names


def test_only_development_waits_to_be_asked_for() -> None:
    profiles = {
        name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service
    }
    assert profiles == {"develop": ["development"]}


@pytest.mark.parametrize("name", ["web", "worker", "scheduler"])
def test_product_starts_after_the_migration_has_succeeded(name: str) -> None:
    condition = SERVICES[name]["depends_on"]["migrate"]["condition"]
    assert condition == "service_completed_successfully"


@pytest.mark.parametrize("name", ["worker", "scheduler", "postgres", "redis"])
def test_service_without_the_images_health_check_has_its_own(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_no_password_has_a_default() -> None:
    secrets = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|TOKEN|KEY)\w*)(.*?)\}", COMPOSE.read_text())
    assert {name for name, _ in secrets} == {"POSTGRES_PASSWORD"}
    assert all(rest.startswith(":?") for _, rest in secrets)


def test_ports_are_open_to_this_machine_only() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(ports) == {"web", "develop"}
    assert all(port.startswith("127.0.0.1:") for opened in ports.values() for port in opened)


@pytest.mark.parametrize("name", ["migrate", "web", "worker", "scheduler", "develop"])
def test_product_may_write_to_its_data_and_nothing_else(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    apart = [volume for volume in service["volumes"] if not volume.endswith((":ro", ":/data"))]
    assert apart == (["sealing:/sealing"] if name == "worker" else [])


def test_only_workers_can_read_the_key_that_seals() -> None:
    wanted = SERVICES["worker"]["environment"]["OMNI2_SEALING_KEY_FILE"]
    assert wanted == "/sealing/sealing.pem"
    assert [name for name, one in SERVICES.items() if "sealing" in str(one)] == ["worker"]


def test_image_runs_as_nobody_in_particular() -> None:
    users = re.findall(r"^USER (.*)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert users == ["10001:10001"]


def in_the_image() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line[1:] for line in lines if line.startswith("!")]


@pytest.mark.slow
def test_what_goes_into_the_image_is_all_that_the_product_needs(tmp_path: Path) -> None:
    app, data = tmp_path / "app", tmp_path / "data"
    for name in in_the_image():
        source, target = ROOT / name, app / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "omni2.settings",
        "OMNI2_DATA_DIR": str(data),
        "OMNI2_ENV_FILE": os.devnull,
    }
    command = [sys.executable, "manage.py", "check", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=app, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_secret_or_local_goes_into_the_image() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    assert [name for name in in_the_image() if name.startswith((".", "data", "tests"))] == []


class Answering(BaseHTTPRequestHandler):
    """Answers every GET with one status."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "healthy"), [(200, True), (301, True), (400, True), (500, False)]
)
def test_health_check_asks_whether_the_process_answers(status: int, healthy: bool) -> None:
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (Answering,), {"status": status}))
    Thread(target=server.handle_request, daemon=True).start()
    script = (ROOT / "docker" / "healthcheck.py").read_text()
    here = script.replace("8000", str(server.server_port))
    done = subprocess.run([sys.executable, "-S", "-c", here])
    server.server_close()
    assert (done.returncode == 0) is healthy
