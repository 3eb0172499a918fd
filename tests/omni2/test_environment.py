"""`requirements/environment.py`, run as a newcomer's Python would run it."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "requirements" / "environment.py"


@pytest.fixture
def environment() -> ModuleType:
    specification = importlib.util.spec_from_file_location("environment", SCRIPT)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock of nothing: what an environment is made of without asking any index."""
    path = tmp_path / "lock.txt"
    path.write_text("# nothing\n")
    return path


@pytest.fixture
def make(tmp_path: Path, lock: Path) -> Callable[[], subprocess.CompletedProcess[str]]:
    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPT), f"{tmp_path / 'made'}={lock}"]
        return subprocess.run(command, capture_output=True, text=True)

    return run


@pytest.mark.slow
def test_environment_is_made_once_and_made_anew_when_its_lock_changes(
    make: Callable[[], subprocess.CompletedProcess[str]], tmp_path: Path, lock: Path
) -> None:
    first = make()
    assert (first.returncode, first.stdout.count("ready in")) == (0, 1)
    assert (tmp_path / "made" / "bin" / "python").exists()
    second = make()
    assert (second.returncode, second.stdout) == (0, "")
    lock.write_text("# nothing either\n")
    third = make()
    assert (third.returncode, third.stdout.count("ready in")) == (0, 1)


@pytest.mark.slow
def test_package_that_no_hash_vouches_for_is_not_installed(
    make: Callable[[], subprocess.CompletedProcess[str]], tmp_path: Path, lock: Path
) -> None:
    lock.write_text("six==1.17.0\n")
    done = make()
    assert done.returncode == 1
    assert "hash" in done.stdout.lower()
    assert not (tmp_path / "made" / "lock.stamp").exists()


def ready(module: ModuleType, folder: Path, locks: list[Path]) -> bool:
    return bool(module.is_ready(folder, locks))


def stamped(module: ModuleType, folder: Path, lock: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "lock.stamp").write_text(module.stamp_of(lock))


def test_environment_of_any_of_its_locks_is_ready(
    environment: ModuleType, tmp_path: Path, lock: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("# more\n")
    stamped(environment, tmp_path / "made", other)
    assert ready(environment, tmp_path / "made", [lock, other]) is True
    assert ready(environment, tmp_path / "made", [lock]) is False


def test_environment_whose_python_is_gone_is_not_ready(
    environment: ModuleType, tmp_path: Path, lock: Path
) -> None:
    stamped(environment, tmp_path / "made", lock)
    (tmp_path / "made" / "bin" / "python").unlink()
    (tmp_path / "made" / "bin" / "python").symlink_to(tmp_path / "nowhere")
    assert ready(environment, tmp_path / "made", [lock]) is False


def test_python_too_old_is_told_so(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "OLDEST_PYTHON", (99, 0))
    assert environment.main([]) == 1
    assert capsys.readouterr().out.startswith("OMNI2 needs Python 3.11 or newer, and ")


def test_uv_on_the_path_is_taken(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert environment.find_uv() == str(uv)


@pytest.mark.slow
def test_pip_does_the_work_without_uv(environment: ModuleType, tmp_path: Path, lock: Path) -> None:
    environment.prepare(tmp_path / "made", lock, None)
    assert ready(environment, tmp_path / "made", [lock]) is True


@pytest.mark.parametrize(
    "lock",
    sorted(SCRIPT.parent.rglob("*.txt")),
    ids=lambda path: str(path.relative_to(SCRIPT.parent)),
)
def test_every_package_of_every_lock_is_pinned_with_a_hash(lock: Path) -> None:
    text = lock.read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    assert [line for line in lines if "==" not in line or "--hash=sha256:" not in line] == []
