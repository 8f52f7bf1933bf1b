"""OUT/best: the checkpoint that a judge liked most, as a plain model folder, whole or not there.

Written beside as best.new, marked, and put in the place of the one before; a kill at any moment
leaves the old one or the new one, which `settle` finds.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from cai_core.schema import Row
from cai_core.train import checkpoints
from cai_core.train.card import Run, plain

BEST = "best"
_RECORD = "best.json"


def keep(out: Path, save: Callable[[Path], None], run: Run, record: Row) -> None:
    """Put what `save` writes into OUT/best, with `run` as its card and `record` as best.json.

    Args:
        record: {step, gain, judge}.
    """
    settle(out)
    new = out / f"{BEST}.new"
    new.mkdir(parents=True)
    save(new)
    run.write(new)
    (new / _RECORD).write_text(json.dumps(plain(record), ensure_ascii=False), encoding="utf-8")
    checkpoints.mark_complete(new)
    settle(out)


def settle(out: Path) -> None:
    """Finish or undo a change of OUT/best that a kill cut short."""
    best, new, old = (out / f"{BEST}{end}" for end in ("", ".new", ".old"))
    if checkpoints.is_complete(new):
        if best.exists():
            shutil.rmtree(old, ignore_errors=True)
            best.replace(old)
        new.replace(best)
    shutil.rmtree(new, ignore_errors=True)
    if old.exists() and not best.exists():
        old.replace(best)
    shutil.rmtree(old, ignore_errors=True)


def read(out: Path) -> Row | None:
    """What OUT/best says of itself; None where there is none."""
    settle(out)
    if not checkpoints.is_complete(out / BEST):
        return None
    record: Row = json.loads((out / BEST / _RECORD).read_text(encoding="utf-8"))
    return record
