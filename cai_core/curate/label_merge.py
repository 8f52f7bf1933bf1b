"""Labels of a file beside those that stand: what is new, what is there already, and what contradicts.

A verdict is held against the newest standing one of the same annotator (of a judge: under the same
setting) on the same pair, either way round. Of several in the file the last one is what it says; the
others are its history. A file is gone through twice, first checked whole, then merged in chunks; of a
row only 150 bytes or so are held.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from cai_core.curate.formats import BadRow
from cai_core.curate.label_files import LabelFile
from cai_core.errors import DataError, Stopped
from cai_core.schema import AnnotatorKind, Hooks, Label, Progress, Row, Said, Verdict

Key = tuple[str, AnnotatorKind, str, str]  # of a Said
Read = tuple[int, tuple[Label, ...] | DataError]  # line, and what stands there
OnConflict = Literal["keep", "append"]
CHUNK = 2_000  # labels in one transaction
FIRST = 10  # conflicts that are told one by one
_SAID: tuple[Verdict | None, ...] = ("a", "b", "tie", "bad", "skip", None)
_CHANGED = "it was changed while it was read; the same command continues"
_OPINIONS = 0b1111  # a skip and a failure are none


@dataclass(frozen=True)
class Conflict:
    """One annotator who says another thing in the file than what stands; sides as in the file."""

    file: str
    line: int
    label: Label
    stands: Verdict | None
    stands_p: float | None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        said, stood = self.label.verdict, self.stands
        if said == stood:
            said_p, stood_p = (f"{p:.3g}" for p in (self.label.p_a or 0, self.stands_p or 0))
            return f"{place}: {self.label.annotator} says P(A better) = {said_p}, and {stood_p} stands, on pair {self.label.pair.id}"
        return f"{place}: {self.label.annotator} says {said}, and {stood} stands, on pair {self.label.pair.id}"

    def to_row(self) -> Row:
        row: Row = {"file": self.file, "line": self.line, "pair": self.label.pair.id}
        row |= {"annotator": self.label.annotator, "stands": self.stands}
        return row | {"says": self.label.verdict}


@dataclass(frozen=True)
class Checked:
    """A file without a fault but for the rows that are left out: how many labels, and which are last."""

    file: LabelFile
    labels: int
    silent: int  # rows that hold no verdict
    bad: tuple[BadRow, ...]
    _last: dict[bytes, int]  # who on which pair -> place of the last label, and its verdict


@dataclass(frozen=True)
class Merged:
    """What came of a file, or would. `disagreeing` counts pairs on which people differ: no conflict."""

    labels: int = 0
    new: int = 0
    already: int = 0
    conflicts: int = 0
    first: tuple[Conflict, ...] = ()
    disagreeing: int = 0
    silent: int = 0
    bad: tuple[BadRow, ...] = ()

    def __add__(self, other: "Merged") -> "Merged":
        return Merged(
            self.labels + other.labels,
            self.new + other.new,
            self.already + other.already,
            self.conflicts + other.conflicts,
            (self.first + other.first)[:FIRST],
            self.disagreeing + other.disagreeing,
            self.silent + other.silent,
            self.bad + other.bad,
        )

    def to_row(self) -> Row:
        counts = ("labels", "new", "already", "conflicts", "disagreeing", "silent")
        row: Row = {name: getattr(self, name) for name in counts}
        row["first_conflicts"] = [conflict.to_row() for conflict in self.first]
        return row | {"bad": [str(row) for row in self.bad]}


def check(file: LabelFile, *, skip_bad: bool = False, hooks: Hooks | None = None) -> Checked:
    """Read a whole file and keep nothing of it but who says what last.

    Raises:
        DataError: a bad row (unless `skip_bad`), or no verdict at all. Stopped: as asked.
    """
    hooks = hooks or Hooks()
    last: dict[bytes, int] = {}
    bad: list[BadRow] = []
    place = silent = 0
    for number, (line, found) in enumerate(file, start=1):
        if isinstance(found, DataError):
            if not skip_bad:
                raise DataError(
                    found.reason, file=file.name, line=line or None, column=found.column
                )
            bad.append(BadRow(file.name, line, found.reason))
            continue
        silent += not found
        for label in found:
            said = Said.of(label)
            last[_digest(said)] = place * len(_SAID) + _SAID.index(said.verdict)
            place += 1
        if number % CHUNK == 0:
            _tell(hooks, place, 0)
    if not place and bad:
        raise DataError(f"no row can be read; the first: {bad[0].reason}", file=file.name)
    if not place:
        raise DataError("there is no verdict in this file", file=file.name)
    return Checked(file, place, silent, tuple(bad), last)


def merge(
    checked: Checked,
    standing: Callable[[Sequence[str]], Iterable[Said]],
    *,
    keep: Callable[[Sequence[Label]], object] | None = None,
    rows: Iterable[Read] | None = None,
    on_conflict: OnConflict = "keep",
    hooks: Hooks | None = None,
) -> Merged:
    """Tell the labels of a file apart, and hand on those that are to be appended.

    Args:
        standing: of pairs' identities, what stands there, the newest of each annotator and setting.
        keep: appends labels in one transaction; None only tells what would come of it.
        rows: line and labels of the file's rows, where somebody else reads them (`read_ahead`).
        on_conflict: with "keep" what stands stays; "append" lets the file's verdict stand on top.
    """
    hooks = hooks or Hooks()
    merging = _Merging(checked, on_conflict)
    labels = _labels(checked.file if rows is None else rows)
    while chunk := list(islice(labels, CHUNK)):
        taken = merging.sort(chunk, standing(list({said.identity for *_, said in chunk})))
        if keep:
            for together in _apart(taken):
                keep(together)
        _tell(hooks, merging.place, checked.labels)
    if merging.place != checked.labels:
        raise DataError(_CHANGED, file=checked.file.name)
    return merging.merged()


def _tell(hooks: Hooks, done: int, total: int) -> None:
    hooks.progress(Progress(done, total))
    if hooks.should_stop():
        raise Stopped("stopped; the same command continues")


def _apart(taken: Iterable[tuple[Said, Label]]) -> Iterator[list[Label]]:
    """Labels in order, in lists in which nobody speaks twice of a pair: the second word is another event."""
    together: dict[Key, Label] = {}
    for said, label in taken:
        if said.key in together:
            yield list(together.values())
            together = {}
        together[said.key] = label
    if together:
        yield list(together.values())


def _labels(rows: Iterable[Read]) -> Iterator[tuple[int, Label, Said]]:
    for line, found in rows:
        if not isinstance(found, DataError):
            yield from ((line, label, Said.of(label)) for label in found)


def _digest(said: Said) -> bytes:
    text = "\0".join(said.key).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=12).digest()


_Fate = Literal["new", "already", "conflict"]


@dataclass
class _Merging:
    """One pass over a checked file."""

    checked: Checked
    on_conflict: OnConflict
    place: int = 0
    counts: dict[_Fate, int] = field(
        default_factory=lambda: {"new": 0, "already": 0, "conflict": 0}
    )
    first: list[Conflict] = field(default_factory=list)
    # of labels that are not the last of theirs: what was said, and what came of it
    before: dict[bytes, tuple[Said, _Fate]] = field(default_factory=dict)
    people: dict[bytes, int] = field(default_factory=dict)  # pair -> which verdicts people gave

    def sort(
        self, chunk: Sequence[tuple[int, Label, Said]], standing: Iterable[Said]
    ) -> list[tuple[Said, Label]]:
        """Count the labels of a chunk; those to be appended."""
        there = {said.key: said for said in standing}
        for said in there.values():
            if not self._has_other_word(said):
                self._hear(said)
        return [
            (said, label) for line, label, said in chunk if self._takes(line, label, said, there)
        ]

    def _takes(self, line: int, label: Label, said: Said, there: Mapping[Key, Said]) -> bool:
        key, stands = _digest(said), there.get(said.key)
        last = self.checked._last.get(key)
        if last is None or last // len(_SAID) < self.place:
            raise DataError(_CHANGED, file=self.checked.file.name)
        is_last = last // len(_SAID) == self.place
        self.place += 1
        fate = self._fate(key, said, stands, is_last=is_last, final=_SAID[last % len(_SAID)])
        self.counts[fate] += 1
        if fate == "conflict" and len(self.first) < FIRST and stands:
            self.first.append(self._conflict(line, label, said, stands))
        takes = fate == "new" or (fate == "conflict" and self.on_conflict == "append")
        if is_last and (takes or stands is None or self.on_conflict == "append"):
            self._hear(said)
        return takes

    def _has_other_word(self, stands: Said) -> bool:
        """Whether the file has the last word of this annotator on this pair."""
        key = _digest(stands)
        return key in self.before or (self.on_conflict == "append" and key in self.checked._last)

    def _fate(
        self, key: bytes, said: Said, stands: Said | None, *, is_last: bool, final: Verdict | None
    ) -> _Fate:
        earlier = self.before.get(key)
        if earlier:
            fate: _Fate = "already" if said.same_as(earlier[0]) else earlier[1]
            self.before[key] = said, earlier[1]
            return fate
        if stands is None or (stands.verdict is None and said.verdict is not None):
            fate = "new"
        elif said.verdict is None or (said.same_as(stands) if is_last else final == stands.verdict):
            fate = "already"
        else:
            fate = "conflict"
        if not is_last:
            self.before[key] = said, fate
        return fate

    def _conflict(self, line: int, label: Label, said: Said, stands: Said) -> Conflict:
        """With what stands seen from the sides of the file."""
        turned = label.pair.response_a > label.pair.response_b
        seen = Said.of_values(
            "", ("person", "", ""), verdict=stands.verdict, p_a=stands.p_a, turned=turned
        )
        return Conflict(self.checked.file.path.name, line, label, seen.verdict, seen.p_a)

    def _hear(self, said: Said) -> None:
        if said.kind == "person":
            pair = bytes.fromhex(said.identity)
            self.people[pair] = self.people.get(pair, 0) | 1 << _SAID.index(said.verdict)

    def merged(self) -> Merged:
        disagreeing = sum((mask & _OPINIONS).bit_count() > 1 for mask in self.people.values())
        return Merged(
            labels=self.place,
            new=self.counts["new"],
            already=self.counts["already"],
            conflicts=self.counts["conflict"],
            first=tuple(self.first),
            disagreeing=disagreeing,
            silent=self.checked.silent,
            bad=self.checked.bad,
        )


def sentence(merged: Merged) -> str:
    """What came of a file, in words.

    >>> sentence(Merged(labels=5, new=3, already=1, conflicts=1))
    '3 of 5 labels are new, 1 stands there already, 1 says another thing than what stands'
    """
    said = [f"{merged.new} of {merged.labels} labels {_is(merged.new)} new"]
    if merged.already:
        said.append(
            f"{merged.already} {'stands' if merged.already == 1 else 'stand'} there already"
        )
    if merged.conflicts:
        say = "says" if merged.conflicts == 1 else "say"
        said.append(f"{merged.conflicts} {say} another thing than what stands")
    if merged.disagreeing:
        said.append(
            f"people differ on {merged.disagreeing} {'pair' if merged.disagreeing == 1 else 'pairs'}"
        )
    if merged.silent:
        said.append(
            f"{merged.silent} {'row has' if merged.silent == 1 else 'rows have'} no verdict"
        )
    if merged.bad:
        said.append(f"{len(merged.bad)} left out")
    return ", ".join(said)


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def fate_of_conflicts(merged: Merged, on_conflict: str) -> str:
    """What happens to verdicts that differ from what stands, and how to have it otherwise."""
    if on_conflict == "append":
        return "the file's verdicts stand now on top of the earlier ones, which stay in the log"
    return "what stands was kept; --on-conflict append lets the file's verdicts stand on top"
