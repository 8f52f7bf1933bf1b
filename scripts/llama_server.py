"""Have a llama.cpp server at hand for `make test-slow`, with the built-in model's GGUF file.

Usage: python scripts/llama_server.py
Prints the Python of its environment and the model file, a line each. The first time it builds
llama.cpp, which takes about 6 minutes on two idle cores and needs cmake and a C++ compiler.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "tests" / "llama-requirements.txt"
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"


def folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "ratify" / "llama-server-env"


def stamp() -> str:
    return hashlib.sha256(PINS.read_bytes() + sys.version.encode()).hexdigest()


def install(place: Path) -> Path:
    """The environment's Python; made and filled where its pins changed."""
    python, mark = place / "bin" / "python", place / "ratify-stamp"
    if mark.exists() and mark.read_text() == stamp():
        return python
    print("Building a llama.cpp server for the tests (about 6 minutes) ...", file=sys.stderr)
    if not python.exists():
        venv.create(place, with_pip=True, clear=place.exists())
    environment = os.environ | {
        "CMAKE_BUILD_PARALLEL_LEVEL": os.environ.get(
            "CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1)
        )
    }
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, "-r", str(PINS)], env=environment, stdout=sys.stderr)
    if done.returncode != 0:
        raise SystemExit("error: the server could not be built; it needs cmake and a C++ compiler")
    mark.write_text(stamp())
    return python


def model(place: Path) -> Path:
    """The model file, checked by size and hash when it is fetched."""
    found = place / MODEL
    if not found.exists():
        sys.path.insert(0, str(ROOT))
        from cai_core.models.builtin import fetch_gguf

        print("Fetching the built-in model's GGUF file (93 MB) ...", file=sys.stderr)
        work = place / "fetching"
        work.mkdir(exist_ok=True)
        fetch_gguf(work).rename(found)
    return found


def main() -> None:
    place = folder()
    place.parent.mkdir(parents=True, exist_ok=True)
    print(install(place))
    print(model(place))


if __name__ == "__main__":
    main()
