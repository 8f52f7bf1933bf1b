"""Print the path of a Chromium for the browser tests, installing one where that is possible.

Order: one on PATH; else Debian's package, as root; else Playwright's own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def on_path() -> str | None:
    found = (shutil.which(name) for name in NAMES)
    return next((path for path in found if path), str(MAC) if MAC.exists() else None)


def quiet(*command: str) -> bool:
    return subprocess.run(command, stdout=sys.stderr, stderr=sys.stderr).returncode == 0


def from_debian() -> str | None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return None
    print("Installing Debian's chromium ...", file=sys.stderr)
    done = quiet("apt-get", "update", "-qq") and quiet(
        "apt-get", "install", "-y", "-qq", "chromium"
    )
    return on_path() if done else None


def from_playwright() -> str | None:
    if not quiet(sys.executable, "-m", "playwright", "install", "chromium"):
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def main() -> None:
    path = on_path() or from_debian() or from_playwright()
    if path is None:
        print(
            "error: the browser tests need Chromium; install it so that 'chromium' is on PATH",
            file=sys.stderr,
        )
        raise SystemExit(1)
    print(path)


if __name__ == "__main__":
    main()
