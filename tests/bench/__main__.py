"""Run every benchmark and write docs/benchmarks.md.

Usage: python -m tests.bench [name ...]. A benchmark is a module `bench_NAME.py` here with
`run() -> str`, the Markdown of its section; a section that was not asked for is kept as it stands.
"""

import datetime
import importlib
import platform
import re
import sys
from pathlib import Path

import psutil

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "benchmarks.md"
SECTION = re.compile(r"<!-- (\w+) -->\n(.*?)<!-- /\1 -->", re.DOTALL)


def machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())
        model = found.group(1) if found else model
    memory = psutil.virtual_memory().total / 2**30
    cores = psutil.cpu_count()
    return f"{model}, {cores} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    names = sys.argv[1:] or sorted(p.stem.removeprefix("bench_") for p in HERE.glob("bench_*.py"))
    kept = dict(SECTION.findall(PAGE.read_text())) if PAGE.exists() else {}
    for name in names:
        print(f"== {name}", flush=True)
        body = importlib.import_module(f"tests.bench.bench_{name}").run()
        day = datetime.date.today().isoformat()
        kept[name] = f"{body.strip()}\n\nMeasured {day} on {machine()}.\n"
        print(kept[name], flush=True)
        write(kept)


def write(sections: dict[str, str]) -> None:
    parts = [f"<!-- {n} -->\n{sections[n]}<!-- /{n} -->\n" for n in sorted(sections)]
    PAGE.write_text("# Benchmarks\n\nWritten by `make bench`.\n\n" + "\n".join(parts))


if __name__ == "__main__":
    main()
