"""Make `.venv` and install the pinned requirements, once. Runs on the bare system Python.

Usage: python3 scripts/environment.py [--dev]
Ends with one plain sentence and exit code 1 where something is missing.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NEEDED_GB = 4.0  # what the pinned packages take on a CPU-only machine, with room for pip


def stop(sentence: str) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    raise SystemExit(1)


def stamp_of(requirements: list[Path]) -> str:
    text = b"".join(path.read_bytes() for path in requirements) + sys.version.encode()
    return hashlib.sha256(text).hexdigest()


def make_venv() -> None:
    if PYTHON.exists():
        return
    print("Making .venv ...", flush=True)
    try:
        venv.create(VENV, with_pip=True, clear=VENV.exists())
    except (OSError, subprocess.CalledProcessError) as error:
        stop(f"the environment .venv could not be made ({error}); on Debian install python3-venv")


def install(requirements: Path) -> None:
    """Run pip with its own progress bar; turn its usual failures into one sentence."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_GB:
        stop(f"the disk has {free:.1f} GB free and the packages need {NEEDED_GB:.0f} GB; free some")
    print(f"Installing {requirements.name} (some minutes the first time) ...", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--retries", "2", "-r", str(requirements)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(("Collecting", "Downloading", "Installing", "Building")):
            print("  " + line.strip()[:110], flush=True)
    if process.wait() != 0:
        stop(reason_of("".join(said)))


def reason_of(output: str) -> str:
    lowered = output.lower()
    if "no space left" in lowered:
        return "the disk is full; free some space and run the command again"
    no_network = ("connection", "resolution", "timed out", "unreachable", "proxyerror")
    if any(word in lowered for word in no_network):
        return "the package index cannot be reached; check the network and run the command again"
    last = [line for line in output.splitlines() if line.strip()][-1:] or ["pip failed"]
    return f"pip could not install the requirements: {last[0].strip()}"


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - this runs before anything checked it
        version = ".".join(map(str, sys.version_info[:2]))
        stop(f"Python 3.11 or newer is needed, this is {version}; run make PYTHON=python3.11 ...")
    dev = "--dev" in sys.argv
    files = [ROOT / "requirements.txt"] + ([ROOT / "requirements-dev.txt"] if dev else [])
    stamp = VENV / (".installed-dev" if dev else ".installed")
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == stamp_of(files):
        return
    make_venv()
    install(files[-1])
    stamp.write_text(stamp_of(files))
    if dev:
        (VENV / ".installed").write_text(stamp_of(files[:1]))


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        stop(f"{error.strerror}: {error.filename}; mend that and run the command again")
    except KeyboardInterrupt:
        stop("stopped; run the command again to go on")
