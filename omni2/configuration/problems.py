"""What is wrong with a file and what its reader should know, each with its line."""

from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Place:
    """Where in a file: 1-based line and the path of the key, as in `mcps[0].url`."""

    file: str
    line: int
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f": {self.path}" if self.path else "")


@dataclass(frozen=True, order=True)
class Problem:
    """One error; a file with one is not imported."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True, order=True)
class Note:
    """A key that changes nothing here, and why; or something the reader should look at."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place.file}: {self.message}"


@dataclass
class Report:
    """All that an import has to say. Nothing was written unless `problems` is empty."""

    changes: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # What only the whole can say: who is missing, which roles no rule speaks about.
    remarks: list[str] = field(default_factory=list)
    # What the policy says otherwise, what that gives or takes, and does to recorded calls.
    difference: list[str] = field(default_factory=list)
    effect: list[str] = field(default_factory=list)
    rehearsal: list[str] = field(default_factory=list)

    def refuse_if_wrong(self) -> None:
        """Raise ConfigurationRefused, problems in the order of their lines, when there is one."""
        self.problems = sorted(set(self.problems))
        if self.problems:
            raise ConfigurationRefused(self)


class ConfigurationRefused(Exception):
    """The files cannot be imported; `report.problems` says why, line by line."""

    def __init__(self, report: Report) -> None:
        count = len(report.problems)
        super().__init__(f"{count} error{'s' if count != 1 else ''}; nothing was changed")
        self.report = report
