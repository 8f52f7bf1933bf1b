"""The file of rows that a command writes, so that it can be stopped at any time and continued.

From the first row on, rows go to OUT.part, and OUT.part.json says what they are made with. `finish`
writes OUT whole, one row a key in input order, with OUT.json beside it. The same command again
continues, or has nothing left to do when OUT is whole; rows with an `error` are asked again. Other
settings, and an OUT that this command did not make, are refused: nothing is overwritten.

No row is held, only where it begins: about 200 bytes a row, whatever its length.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from cai_core.errors import CaiError, DataError, GaveUpError
from cai_core.schema import Row, content_hash
from cai_core.text import kind_of_reason

REASONS = 20  # told apart at most; a server may put anything into its messages
OTHERS = "other reasons"


@dataclass(frozen=True)
class Finished:
    """What stands in OUT: rows in all, and those among them that failed, by their reasons."""

    out: Path
    rows: int
    failed: int
    reasons: Mapping[str, int] = field(default_factory=dict)

    def to_row(self) -> Row:
        row: Row = {"out": str(self.out), "rows": self.rows, "failed": self.failed}
        return row | {"failed_by_reason": dict(self.reasons)}

    @property
    def sentence(self) -> str:
        """Why rows failed, and what to do; "" where none did."""
        if not self.failed:
            return ""
        said = "; ".join(f"{count} × {reason}" for reason, count in self.reasons.items())
        return f"failed: {said}; the same command asks these again"


class Output:
    """Rows appended to OUT.part, then one row a key in OUT.

    Args:
        out: the file to write.
        settings: everything that changes the rows, as JSON values; shown where it differs.
        inputs: name -> file, compared by content and not by path.
        key: the field by which a row is known; the newest row of a key stands.
    Raises:
        CaiError: other settings, a foreign OUT, or another command that is writing OUT now.
    """

    def __init__(
        self, out: Path, *, settings: Mapping[str, Any], inputs: Mapping[str, Path], key: str = "id"
    ) -> None:
        self.out, self.key = out, key
        self.part = out.with_name(out.name + ".part")
        self._made_with = made_with(settings, inputs)
        self._rows: dict[str, int] = {}  # key -> offset in the file
        self._failed: dict[str, str] = {}  # key -> what kind of reason
        self._kinds: dict[str, str] = {}  # one text for one reason, however many rows have it
        self._file: BinaryIO | None = None  # OUT.part, from the first row on
        self._mends = (
            out.exists()
        )  # every row has been asked once: only failed ones are asked again
        if _has_rows(self.part):
            self._refuse_other_settings(self.part)
            self._open_part()
        elif self._mends:
            self._refuse_other_settings(out)
            with out.open("rb") as file:
                self._index(file)

    @property
    def done(self) -> frozenset[str]:
        """Keys that need not be asked again."""
        return frozenset(self._rows).difference(self._failed)

    @property
    def done_count(self) -> int:
        return len(self._rows) - len(self._failed)

    def has(self, key: str) -> bool:
        """Whether this row need not be asked again."""
        return key in self._rows and key not in self._failed

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows failed for which reason, the most frequent first."""
        counts = Counter(self._failed.values()).most_common()
        shown, rest = counts[:REASONS], sum(count for _, count in counts[REASONS:])
        return dict(shown) | ({OTHERS: rest} if rest else {})

    @contextmanager
    def mending(self) -> Iterator[None]:
        """Around the asking: where only failed rows are asked again, giving up ends that, not more.

        Their old reasons stand, and OUT is written with them as it was.
        """
        try:
            yield
        except GaveUpError:
            if not self._mends:
                raise

    def standing(self) -> Iterator[Row]:
        """Until `finish`: the newest row of every key, as they were written; none that comes meanwhile."""
        path = self.part if self._file else self.out
        end, offset = path.stat().st_size, 0
        with path.open("rb") as file:
            while offset < end:
                line = file.readline()
                row: Row = json.loads(line)
                if self._rows.get(str(row[self.key])) == offset:
                    yield row
                offset += len(line)

    def write(self, row: Row) -> None:
        """Append a row; it survives a kill from here on."""
        file = self._file or self._begin()
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        offset = file.seek(0, os.SEEK_END)
        file.write(line)
        file.flush()
        self._note(row, offset)

    def finish(self, order: Sequence[str]) -> Finished:
        """Write OUT with the rows of `order`, each once, and remove OUT.part.

        Raises:
            DataError: a key of `order` has no row.
        """
        keys = list(dict.fromkeys(order))
        missing = [key for key in keys if key not in self._rows]
        if missing:
            raise DataError(
                f"{len(missing)} of {len(keys)} rows are missing, '{missing[0]}' first; the same"
                " command continues",
                file=str(self.out),
            )
        if self._file or not self.out.exists():
            self._write_whole(self._file or self._begin(), keys)
        failed = {key: self._failed[key] for key in keys if key in self._failed}
        self._failed = failed  # a row that no longer stands in the input has not failed
        return Finished(self.out, len(keys), len(failed), self.reasons)

    def close(self) -> None:
        """Let go of OUT.part; what was written stays for the next run."""
        if self._file:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _refuse_other_settings(self, path: Path) -> None:
        sidecar = _sidecar(path)
        if not sidecar.exists():
            raise CaiError(
                f"{path} exists already and nothing says how it was made; move it away or choose"
                " another --out"
            )
        difference = difference_text(_read_sidecar(sidecar), self._made_with)
        if difference:
            raise CaiError(
                f"{path} was made with other settings ({difference}); delete it to start anew, or"
                " choose another --out"
            )

    def _begin(self) -> BinaryIO:
        """Start OUT.part, with the rows of OUT where some of those are asked again."""
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self._say_how(self.part)
        if self.out.exists():
            new = self.part.with_name(self.part.name + ".new")
            shutil.copyfile(self.out, new)
            new.replace(self.part)  # whole or not at all: a kill must not cost finished rows
        return self._open_part()

    def _say_how(self, path: Path) -> None:
        """Write down beside a file what it is made with, whole or not at all."""
        sidecar = _sidecar(path)
        new = sidecar.with_name(sidecar.name + ".new")
        new.write_text(json.dumps(self._made_with, indent=2, ensure_ascii=False), encoding="utf-8")
        new.replace(sidecar)

    def _open_part(self) -> BinaryIO:
        """Open OUT.part for this process alone; a last line that a kill tore off is dropped."""
        file = self.part.open("ab+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise CaiError(f"another command is writing {self.out} now; wait for it") from error
        file.truncate(self._index(file))
        self._file = file
        return file

    def _index(self, file: BinaryIO) -> int:
        """Note where every row stands; returns the length of what is whole."""
        self._rows.clear()
        self._failed.clear()
        offset = 0
        file.seek(0)
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
                whole = line.endswith(b"\n") and isinstance(row, dict)
            except ValueError:
                whole = False
            if not whole:
                if file.read(1):  # not the last line: no kill did this
                    raise DataError("not a JSON object", file=file.name, line=number)
                break
            self._note(row, offset)
            offset += len(line)
        return offset

    def _note(self, row: Row, offset: int) -> None:
        key = str(row[self.key])
        self._rows[key] = offset
        self._failed.pop(key, None)
        if row.get("error"):
            kind = kind_of_reason(str(row["error"]))
            self._failed[key] = self._kinds.setdefault(kind, kind)

    def _write_whole(self, part: BinaryIO, keys: Sequence[str]) -> None:
        whole = self.out.with_name(self.out.name + ".whole")
        with whole.open("wb") as file:
            for key in keys:
                part.seek(self._rows[key])
                file.write(part.readline())
            file.flush()
            os.fsync(file.fileno())
        self._say_how(self.out)
        whole.replace(self.out)
        self.part.unlink()
        _sidecar(self.part).unlink(missing_ok=True)
        self.close()


def made_with(settings: Mapping[str, Any], inputs: Mapping[str, Path]) -> Row:
    """What a file of rows depends on: readable settings, a hash of each input, a hash of it all."""
    values = json.loads(json.dumps(dict(settings), default=str))
    files = {name: file_hash(path) for name, path in inputs.items()}
    digest = content_hash({"settings": values, "inputs": files})
    return {"hash": digest, "settings": values, "inputs": files}


def difference_text(then: Row, now: Row) -> str:
    """What differs between two `made_with`, for a person; "" where nothing does.

    >>> a = {"settings": {"rounds": 1}, "inputs": {"prompts": "x"}}
    >>> difference_text(a, {"settings": {"rounds": 2}, "inputs": {"prompts": "y"}})
    'rounds: 1 then, 2 now; prompts: other content'
    """
    old, new = then.get("settings", {}), now["settings"]
    said = [
        f"{name}: {_shown(old, name)} then, {_shown(new, name)} now"
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]
    files, others = then.get("inputs", {}), now["inputs"]
    changed = [n for n in dict.fromkeys([*files, *others]) if files.get(n) != others.get(n)]
    return "; ".join(said + [f"{name}: other content" for name in changed])


def file_hash(path: Path) -> str:
    """First 16 hex digits of SHA-256 over the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _shown(settings: Row, name: str) -> str:
    return json.dumps(settings[name], ensure_ascii=False) if name in settings else "nothing"


def _has_rows(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _read_sidecar(path: Path) -> Row:
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise CaiError(f"{path} cannot be read; delete it and its file to start anew")
    return value


def write_result(out: Path, row: Row) -> None:
    """Write the result as JSON, like `write_whole`."""
    write_whole(out, json.dumps(row, ensure_ascii=False, indent=1) + "\n")


def write_whole(out: Path, text: str) -> None:
    """Write the text whole or not at all; folders that are missing are made.

    Raises:
        DataError: it cannot be written there.
    """
    part = out.with_name(out.name + ".part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(out)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", file=str(out)) from error
