"""How long the second `make run` takes until the first page is served, and is drawn."""

import os
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT_SECONDS = 5.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_once(home: Path) -> float:
    """Seconds from `make run` to the first HTML of the first page."""
    port = free_port()
    environment = os.environ | {"CAI_HOME": str(home)}
    began = time.monotonic()
    process = subprocess.Popen(
        ["make", "run", f"PORT={port}"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while time.monotonic() - began < 120:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1) as page:
                    assert b"<html" in page.read()
                return time.monotonic() - began
            except OSError:
                time.sleep(0.05)
        raise TimeoutError("the page was not served within two minutes")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def run() -> str:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        start_once(home)  # makes the environment and the workspace
        times = [start_once(home) for _ in range(5)]
    return (
        "## Second start\n\n`make run` on a workspace that is there, until the first page is "
        f"served: median of five {statistics.median(times):.1f} s "
        f"({min(times):.1f} to {max(times):.1f}); bound {LIMIT_SECONDS:.0f} s."
    )
