"""Where the demo keeps its things, and the settings it runs with."""

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# What is typed in this folder for a command of manage.py on the demo's data.
COMMAND_LINE = ".venv/bin/python -m omni2.demo"


@dataclass(frozen=True)
class Place:
    """The demo's folder; everything it makes is in there."""

    folder: Path

    @property
    def data(self) -> Path:
        """The gateway's own data: its database, its secrets."""
        return self.folder / "data"

    @property
    def settings(self) -> Path:
        """The environment variables that the last demo ran with."""
        return self.folder / "settings.json"

    @property
    def logs(self) -> Path:
        """What the servers print."""
        return self.folder / "logs"

    @property
    def shop(self) -> Path:
        """The sample database."""
        return self.folder / "shop.sqlite3"

    @property
    def workbooks(self) -> Path:
        """The only folder the spreadsheet server may open."""
        return self.folder / "spreadsheets"

    @property
    def sample_repository(self) -> Path:
        """A small repository for when this folder is not a git clone."""
        return self.folder / "repository"

    def program(self, environment: str, name: str) -> str:
        """A program of one of the servers' own environments."""
        return str(self.folder / "servers" / environment / "bin" / name)


def stdio_commands(place: Place, repository: Path) -> list[list[str]]:
    """The whole command lines the demo's gateway may start; `config/mcps.yaml` names the same."""
    return [
        [place.program("official", "mcp-server-time"), "--local-timezone", "UTC"],
        [place.program("official", "mcp-server-git"), "--repository", str(repository)],
        [place.program("sqlite", "mcp-server-sqlite"), "--db-path", str(place.shop)],
    ]


def variables(place: Place, repository: Path, *, web: int, spreadsheets: int) -> dict[str, str]:
    """The environment variables of the demo, given the ports of its two servers."""
    return {
        "DJANGO_SETTINGS_MODULE": "omni2.settings",
        "OMNI2_ENV_FILE": os.devnull,
        "OMNI2_DATA_DIR": str(place.data),
        "OMNI2_PUBLIC_URL": f"http://127.0.0.1:{web}",
        "OMNI2_MODEL_PROVIDER": "offline",
        "OMNI2_LOG_LEVEL": "WARNING",
        # On first start every server reads its packages from a cold disk, all at once.
        "OMNI2_MCP_CONNECT_TIMEOUT_SECONDS": "60",
        "OMNI2_DEMO_DIR": str(place.folder),
        "OMNI2_DEMO_REPOSITORY": str(repository),
        "OMNI2_DEMO_SPREADSHEETS_URL": f"http://127.0.0.1:{spreadsheets}/mcp",
        "OMNI2_INTERNAL_ADDRESSES": f"127.0.0.1:{spreadsheets}",
        "OMNI2_STDIO_COMMANDS": json.dumps(stdio_commands(place, repository)),
    }


def free_port(preferred: int = 0) -> int:
    """The preferred port of 127.0.0.1 if nobody has it, else one that is free at this moment."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", preferred))
        except OSError:
            listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
