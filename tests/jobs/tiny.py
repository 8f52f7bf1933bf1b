"""A tiny real command: judges N pairs, one row at a time, the way that the real commands do.

python tiny.py judge --rows 5 --each 0.1 --out output.jsonl --job DIR

Options: --rows N; --each SECONDS a row; --fail SENTENCE; --hold (once, then succeeds); --before-lock
SECONDS; --deaf (ignores SIGTERM and `stop`); --exit CODE at once.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from cai_core.cli.output import Output
from cai_core.jobs import folder
from cai_core.schema import ConstitutionRef, Label, Pair, Progress, user


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="+")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--job", type=Path)
    parser.add_argument("--rows", type=int, default=3)
    parser.add_argument("--exit", type=int)
    for name in ("--each", "--before-lock"):
        parser.add_argument(name, type=float, default=0.0)
    for name in ("--hold", "--deaf"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("--fail", default="")
    return parser.parse_args()


def label(n: int) -> Label:
    pair = Pair.of((user(f"Question {n}?"),), "Yes.", "No.")
    ref = ConstitutionRef("short", "abc")
    return Label(pair, "a", 0.75, annotator="tiny", method="logprob", constitution=ref, seed=n)


def work(given: argparse.Namespace, stopped: list[bool]) -> None:
    done = 0
    settings = {"rows": given.rows}
    with Output(given.out, settings=settings, inputs={}) as output:
        for n in range(given.rows):
            row = label(n).to_row()
            if row["id"] in output.done:
                continue
            if not given.deaf and folder.should_stop(given.job, lambda: bool(stopped)):
                folder.finish(given.job, "cancelled", "stopped")
                sys.exit(1)
            time.sleep(given.each)
            output.write(row)
            done += 1
            folder.append_metric(given.job, n, {"loss": float(n)})
            folder.write_progress(given.job, Progress(len(output.done), given.rows))
        output.finish([label(n).id for n in range(given.rows)])
    if given.fail:
        folder.finish(given.job, "failed", given.fail)
        sys.exit(1)
    if given.hold and not (given.job / "audited").exists():
        (given.job / "audited").touch()
        folder.finish(given.job, "held", "review thirty labels first")
        return
    folder.finish(given.job, "succeeded", "", {"made": done})


def main() -> None:
    given = options()
    print("tiny job", *given.words, flush=True)
    if given.exit is not None:
        print("error: called wrongly", flush=True)
        sys.exit(given.exit)
    time.sleep(given.before_lock)
    stopped: list[bool] = []
    handler = signal.SIG_IGN if given.deaf else lambda number, frame: stopped.append(True)
    signal.signal(signal.SIGTERM, handler)
    with folder.hold(given.job):
        work(given, stopped)


if __name__ == "__main__":
    main()
