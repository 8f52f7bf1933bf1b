"""`doctor`: what is wrong with this machine and this workspace, and how to mend it."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
from packaging.requirements import Requirement

from cai_core import __version__
from cai_core.errors import CaiError
from cai_core.models import catalogue
from cai_core.settings import BUILTIN, PROJECT_DIR, Settings, database_path, home, models_dir

PYTHON = (3, 11)
INSTALL = "run `make run`, or pip install -r requirements.txt"
NEEDED_GB = 4.0  # two checkpoints of the built-in model: weights 0.54 GB, optimiser state 1.08 GB


@dataclass(frozen=True)
class Problem:
    """What is wrong, and how to mend it."""

    what: str
    mend: str


@dataclass(frozen=True)
class Findings:
    """The state of this machine; `ok` where nothing is wrong."""

    ok: bool
    builtin_model: str
    device: str
    versions: Mapping[str, str]
    problems: tuple[Problem, ...]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def doctor(as_json: bool) -> None:
    """Say what is wrong with this machine and how to mend it; exit 1 where something is."""
    findings = examine()
    if as_json:
        click.echo(json.dumps(asdict(findings), ensure_ascii=False))
    else:
        click.echo("\n".join(lines_of(findings)))
    if not findings.ok:
        raise click.exceptions.Exit(1)


def examine() -> Findings:
    """Look at everything; nothing is made or changed."""
    problems = tuple(problem for check in CHECKS for problem in check())
    return Findings(
        ok=not problems,
        builtin_model=_builtin_folder(),
        device=_device(),
        versions=versions(),
        problems=problems,
    )


def lines_of(findings: Findings) -> Iterator[str]:
    """For a terminal."""
    yield f"Ratify {__version__}, Python {findings.versions['python']}, on {findings.device}"
    made = "" if database_path().exists() else " (not made yet: `python -m cai_core init`)"
    yield f"workspace: {home()}{made}"
    yield f"built-in model: {findings.builtin_model or 'not on this machine'}"
    for problem in findings.problems:
        yield f"- {problem.what}"
        yield f"  {problem.mend}"
    if findings.ok:
        yield "nothing is wrong"


def versions() -> dict[str, str]:
    """What is installed of the pinned packages; empty text for one that is missing."""
    found = {"ratify": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
    return found | {pin.name: _installed(pin.name) for pin in pins()}


def pins(path: Path = PROJECT_DIR / "requirements.txt") -> list[Requirement]:
    """The pinned requirements that hold on this platform."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    wanted = [line.strip() for line in lines if re.match(r"\w", line)]
    found = [Requirement(line) for line in wanted]
    return [pin for pin in found if pin.marker is None or pin.marker.evaluate()]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _builtin_folder() -> str:
    try:
        return str(catalogue.resolve(BUILTIN))
    except CaiError:
        return ""


def _device() -> str:
    try:
        import torch

        from cai_core.models.device import best_device
    except ImportError:
        return "unknown: torch is missing"
    best = best_device()
    if best == "cuda":
        return f"cuda ({torch.cuda.get_device_name()})"
    return f"{best} ({torch.get_num_threads()} threads)"


def check_python() -> Iterator[Problem]:
    if sys.version_info[:2] < PYTHON:
        there, wanted = (".".join(map(str, v)) for v in (sys.version_info[:2], PYTHON))
        yield Problem(
            f"this is Python {there}; Ratify needs {wanted} or newer",
            f"install Python {wanted}, remove .venv and run `make run PYTHON=python{wanted}`",
        )


def check_packages() -> Iterator[Problem]:
    for pin in pins():
        there = _installed(pin.name)
        public = there.partition("+")[0]  # 2.13.0+cpu is the CPU build of 2.13.0
        if not there:
            yield Problem(f"the package {pin.name} is missing", INSTALL)
        elif not pin.specifier.contains(public, prereleases=True):
            yield Problem(f"{pin.name} is {there}; the tests ran with {pin.specifier}", INSTALL)


def check_disk() -> Iterator[Problem]:
    for name, folder in (("CAI_HOME", home()), ("CAI_MODELS", models_dir())):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(there).free / 1e9
        if free < NEEDED_GB:
            yield Problem(
                f"{folder} has {free:.1f} GB free; a training run needs {NEEDED_GB:.0f} GB",
                f"free some, or set {name} to a folder on another disk",
            )


def check_settings() -> Iterator[Problem]:
    try:
        Settings.load()
    except CaiError as error:
        yield Problem(str(error), f"mend {home() / 'settings.yaml'}, or move it away")


def check_models() -> Iterator[Problem]:
    """The models that the settings name must be there."""
    try:
        settings = Settings.load()
    except CaiError:
        return  # said by check_settings
    known = {info.id: info for info in catalogue.known(settings)}
    for model_id in dict.fromkeys((BUILTIN, settings.base_model, *settings.judge.judges)):
        if not known[model_id].ready:
            yield Problem(f"the model {model_id} cannot be used", known[model_id].note)


def check_database() -> Iterator[Problem]:
    path = database_path()
    if not path.exists():
        return  # commands from file to file need no workspace
    from cai_core.store import database

    try:
        database.connect(path).close()
    except CaiError as error:
        what, _, mend = str(error).partition("; ")
        yield Problem(what, mend or "put a backup in its place")


CHECKS: tuple[Callable[[], Iterator[Problem]], ...] = (
    check_python,
    check_packages,
    check_disk,
    check_settings,
    check_models,
    check_database,
)
