"""Start the supervisor and the app on the loopback address; the app runs until Ctrl-C.

Usage: .venv/bin/python scripts/serve.py [PORT]
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

HOST = "127.0.0.1"
START_SECONDS = 60


def stop(sentence: str) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    raise SystemExit(1)


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            other = port + 1
            stop(f"port {port} is taken; stop what runs there, or run: make run PORT={other}")


def start_supervisor() -> None:
    """Leave a supervisor running in a session of its own: it outlives the app."""
    from cai_core.errors import CaiError
    from cai_core.jobs import queue

    try:
        queue.ensure_supervisor()
    except CaiError as error:
        stop(str(error))


def start_app(port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    command += ["--server.address", HOST, "--server.port", str(port), "--server.headless", "true"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


def wait_until_served(app: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if app.poll() is not None:
            stop("the app ended while starting; its message stands above")
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    app.terminate()
    stop(f"the app did not answer within {START_SECONDS} s")


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8501
    check_port(port)
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    start_supervisor()
    app = start_app(port)
    wait_until_served(app, port)
    print(f"Ratify runs at http://{HOST}:{port} (Ctrl-C ends the page, not the jobs)", flush=True)
    try:
        raise SystemExit(app.wait())
    except KeyboardInterrupt:
        app.terminate()
        app.wait()


if __name__ == "__main__":
    main()
