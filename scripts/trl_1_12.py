"""Have TRL 1.12.0 at hand, the last one with a PPOTrainer, to compare our PPO with.

Usage: python scripts/trl_1_12.py
Prints the Python of its environment. For development only: nothing that ships imports it. The
environment `.trl-1.12` lies on top of `.venv` and holds this one wheel, so that torch,
transformers and all the rest are the very ones that our own trainer runs on.
"""

import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = "1.12.0"
PLACE = ROOT / ".trl-1.12"
BELOW = ROOT / ".venv"
CHECK = "import trl, trl.experimental.ppo as ppo; ppo.PPOTrainer; print(trl.__version__)"


def packages_of(environment: Path) -> Path:
    """Its site-packages folder."""
    base = str(environment)
    return Path(sysconfig.get_path("purelib", "venv", vars={"base": base, "platbase": base}))


def stamp() -> str:
    pins = (ROOT / "requirements.txt").read_bytes()
    return hashlib.sha256(pins + f"{VERSION} {sys.version} {ROOT}".encode()).hexdigest()


def install(place: Path) -> Path:
    """The environment's Python; made anew where the pins or this Python changed."""
    python, mark = place / "bin" / "python", place / "ratify-stamp"
    if mark.exists() and mark.read_text() == stamp():
        return python
    print(f"Installing TRL {VERSION} beside .venv ...", file=sys.stderr)
    venv.create(place, with_pip=True, clear=place.exists())
    (packages_of(place) / "below.pth").write_text(f"{packages_of(BELOW)}\n")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # --ignore-installed: else pip finds the newer trl below and would take it away
    wheel = ["--no-deps", "--ignore-installed", f"trl=={VERSION}"]
    if subprocess.run([*pip, *wheel], stdout=sys.stderr).returncode != 0:
        raise SystemExit(f"error: trl=={VERSION} could not be installed; is PyPI reachable?")
    check(python)
    mark.write_text(stamp())
    return python


def check(python: Path) -> None:
    """Raise SystemExit where this Python does not find TRL's old PPOTrainer."""
    quiet = os.environ | {"HF_HUB_DISABLE_TELEMETRY": "1", "TRL_EXPERIMENTAL_SILENCE": "1"}
    done = subprocess.run([str(python), "-c", CHECK], env=quiet, capture_output=True, text=True)
    if done.stdout.strip() != VERSION:
        last = (done.stderr.strip().splitlines() or [done.stdout])[-1]
        raise SystemExit(f"error: {python} has no working TRL {VERSION}: {last}")


def main() -> None:
    if not (BELOW / "bin" / "python").exists():
        raise SystemExit("error: there is no .venv yet; run make dev first")
    print(install(PLACE))


if __name__ == "__main__":
    main()
