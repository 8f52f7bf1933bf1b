"""The folder `OUT/watch`, in which a training writes what a person looks at; pages read it.

    alarms.jsonl       {step, name, reason, remedy} a line
    samples.jsonl      {step, rows: [{prompt, answer, score, ended}]} a line
    duels.jsonl        {step, judge, gain: {value, low, high, n}, reward, reward_before} a line: the gain over the
                       start with its 90% interval (null without a verdict), the mean rewards now and of the start
    first_batch.json   {rows: [{side, pieces: [[text, learned]], tokens, learned_tokens, padding}]}: what the
                       model sees, and what it learns from
    ends.json          {measure, n, best: [...], worst: [...]}: held-out rows as the dataset has them (prompt is a
                       list of turns) with `value` of the measure `name`, most extreme first
    evaluation.json    the start's answers, and what the monitor knew after each evaluation: for going on

A run that was killed goes on from its last checkpoint and tells steps again: what was told last
counts. A torn last line is no line.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cai_core.schema import Row
from cai_core.train.checkpoints import WATCH


@dataclass(frozen=True)
class Alarm:
    """Something that looks wrong from `step` on: why, and what to do about it."""

    name: str
    step: int
    reason: str
    remedy: str


class Watch:
    """The watch folder of the run whose result goes to `out`."""

    def __init__(self, out: Path) -> None:
        self.folder = out / WATCH

    @classmethod
    def of_checkpoints(cls, folder: str) -> "Watch":
        """Of the run whose checkpoints go to `folder`: a Trainer's output_dir."""
        return cls(Path(folder).parent)

    def tell_alarm(self, alarm: Alarm) -> None:
        self._append("alarms", vars(alarm))

    def tell_samples(self, step: int, rows: Sequence[Row]) -> None:
        self._append("samples", {"step": step, "rows": list(rows)})

    def tell_duel(self, step: int, row: Row) -> None:
        self._append("duels", {"step": step, **row})

    def write(self, name: str, row: Row) -> None:
        """A file that is not a list of steps, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.json"
        part = path.with_name(path.name + ".new")
        part.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
        part.replace(path)

    def alarms(self) -> list[Alarm]:
        """In order of steps; of one name and step the last one told."""
        found = {(row["name"], row["step"]): row for row in self._rows("alarms")}
        return sorted((Alarm(**row) for row in found.values()), key=lambda alarm: alarm.step)

    def samples(self) -> list[Row]:
        return self._by_step("samples")

    def duels(self) -> list[Row]:
        return self._by_step("duels")

    def read(self, name: str) -> Row | None:
        """None where it was not written."""
        try:
            row = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return row if isinstance(row, dict) else None

    def forget_after(self, step: int) -> None:
        """Take out what was told after `step`, from which a resumed run goes on."""
        for name in ("alarms", "samples", "duels"):
            rows = list(self._rows(name))
            kept = [row for row in rows if row["step"] <= step]
            if len(kept) < len(rows):
                path = self.folder / f"{name}.jsonl"
                part = path.with_name(path.name + ".new")
                part.write_text("".join(_line(row) for row in kept), encoding="utf-8")
                part.replace(path)

    def _by_step(self, name: str) -> list[Row]:
        found = {row["step"]: row for row in self._rows(name)}
        return [found[step] for step in sorted(found)]

    def _rows(self, name: str) -> Iterator[Row]:
        try:
            text = (self.folder / f"{name}.jsonl").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        for line in text.split("\n"):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and isinstance(row.get("step"), int):
                yield row

    def _append(self, name: str, row: Row) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.jsonl"
        with path.open("a+b") as file:
            file.write((b"\n" if _is_torn(file) else b"") + _line(row).encode())
            file.flush()
            os.fsync(file.fileno())


def _is_torn(file: BinaryIO) -> bool:
    """Whether the last line was cut by a kill: what is appended must begin a line of its own."""
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
