"""The raw rows of a file or an upload: JSONL, JSON, CSV, text; gzip too. Each comes with its line.

JSON lines and texts out of a file are read a line at a time, packed ones too. A JSON list and a CSV
file are held whole: their rows cannot be told apart before they are parsed.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Literal, cast

from cai_core.errors import DataError
from cai_core.schema import Row, canonical_json

Parsed = Iterator[tuple[int, object | DataError]]  # 1-based line, and the row or its fault
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_SHALLOW = 100  # brackets; a line with fewer is never nested too deeply
_HEAD = 2**20  # bytes that tell what a file is
_WHOLE = (
    512 * 2**20
)  # bytes of JSON in one piece that are read; parsed it takes some five times as much
_CELL = 2**27  # characters; Python's own limit is 131,072, and a long conversation passes that

Shape = Literal["lines", "list", "csv", "tsv"]


def values_of(data: bytes, name: str) -> Parsed:
    """The rows of an upload; `name` tells its format and stands in errors.

    Raises:
        DataError: not UTF-8, empty, damaged, or not of its format.
    """
    return _values(_decoded(data, name), name)


def values_in(path: Path) -> Parsed:
    """The rows of a file, read as they are asked for. Raises DataError as `values_of` does."""
    name = str(path)
    if _ending(name) in (".csv", ".tsv"):
        yield from values_of(read_bytes(path), name)
        return
    lines = _lines(path)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        raise DataError("the file is empty", file=name)
    if first[1].lstrip().startswith("[") and _ending(name) != ".txt":
        yield from values_of(read_bytes(path), name)
        return
    yield from _line_values(chain([first], lines), name)


def head_of(path: Path) -> str:
    """The first million bytes of a file as text, unpacked where it is gzip.

    Raises:
        DataError: it cannot be read, is empty, or is not UTF-8.
    """
    with _opened(path) as file:
        data = file.read(_HEAD).removeprefix(_BOM)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(data) < _HEAD - len(_BOM) or error.start < len(data) - 4:  # no character is cut off
            line = data.count(b"\n", 0, error.start) + 1
            raise DataError(
                "not UTF-8; save the file as UTF-8", file=str(path), line=line
            ) from error
        text = data[: error.start].decode("utf-8")
    if not text.strip():
        raise DataError("the file is empty", file=str(path))
    return text


def shaped(path: Path, shape: Shape) -> Parsed:
    """The rows of a file of this shape, whatever its name; all but a list are read as they are asked for."""
    name = str(path)
    if shape == "list":
        yield from _json_list(_decoded(read_whole(path), name), name)
    elif shape == "lines":
        yield from ((number, _json(line)) for number, line in _lines(path) if line.strip())
    else:
        with _opened(path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            yield from _csv(text, name, "\t" if shape == "tsv" else ",")


def document(path: Path) -> object:
    """A file that is one JSON value. Raises DataError: it is none, or too large to be held whole."""
    name = str(path)
    return _one_value(_decoded(read_whole(path), name), name)


def read_whole(path: Path) -> bytes:
    """A JSON document's bytes, unpacked. Raises DataError: too large to be held whole, or unreadable."""
    with _opened(path) as file:
        data = file.read(_WHOLE + 1)
    if len(data) > _WHOLE:
        raise DataError(
            f"is one JSON document of more than {_WHOLE // 2**20} MB, which would have to be held whole;"
            " write it as JSON lines, or in parts",
            file=str(path),
        )
    return data


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked where it is gzip; what goes wrong while it is read is a DataError."""
    name = str(path)
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            yield cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError("the gzip file is damaged or cut off", file=name) from error
    except UnicodeDecodeError as error:
        raise DataError("not UTF-8; save the file as UTF-8", file=name) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=name) from error


def read_bytes(path: Path) -> bytes:
    """The whole file. Raises DataError: it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=str(path)) from error


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a file, unpacked where it is gzip."""
    name = str(path)
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            yield number, _text(line.removeprefix(_BOM) if number == 1 else line, name, number)


def _text(line: bytes, name: str, number: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError("not UTF-8; save the file as UTF-8", file=name, line=number) from error


def _line_values(lines: Iterable[tuple[int, str]], name: str) -> Parsed:
    plain = _ending(name) == ".txt"
    for number, line in lines:
        if line.strip():
            yield number, {"prompt": line.strip()} if plain else _json(line)


def _ending(name: str) -> str:
    return Path(name.lower().removesuffix(".gz")).suffix


def _decoded(data: bytes, name: str) -> str:
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError("the gzip file is damaged or cut off", file=name) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError("not UTF-8; save the file as UTF-8", file=name, line=line) from error
    if not text.strip():
        raise DataError("the file is empty", file=name)
    return text


def _values(text: str, name: str) -> Parsed:
    """The rows of a text by the ending of its name; JSON is also told by its first character."""
    ending = _ending(name)
    if ending in (".csv", ".tsv"):
        return _csv(io.StringIO(text, newline=""), name, "\t" if ending == ".tsv" else ",")
    if ending != ".txt" and text.lstrip().startswith("["):
        return _json_list(text, name)
    # not splitlines(): U+2028 and its like may stand inside a JSON string
    return _line_values(enumerate(text.split("\n"), start=1), name)


def _json(line: str) -> object | DataError:
    try:
        value: object = _DECODER.decode(line)
    except DataError as error:
        return error
    except ValueError as error:
        return DataError(f"not a JSON object: {str(error).partition(':')[0].lower()}")
    except RecursionError:
        return DataError("not a JSON object: nested too deeply")
    return value if _plainly_sound(line) else sound(value)


def _plainly_sound(line: str) -> bool:
    """Whether nothing can be wrong with what this JSON says: no half character is spelled out, no depth."""
    return (
        "\\ud" not in line and "\\uD" not in line and line.count("[") + line.count("{") < _SHALLOW
    )


def _no_constant(name: str) -> None:
    raise DataError(f"{name} is no number in JSON; write null")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def sound(value: object) -> object | DataError:
    """The value, or what is wrong with it though it is JSON."""
    try:
        canonical_json(value).encode()
    except UnicodeEncodeError:
        return DataError("a text holds half a character (a lone surrogate); write it anew")
    except RecursionError:
        return DataError("not a JSON object: nested too deeply")
    return value


def _one_value(text: str, name: str) -> object:
    """A text that is one JSON value. Raises DataError: it is none."""
    try:
        value: object = json.loads(text, parse_constant=_no_constant)
    except DataError as error:
        raise DataError(error.reason, file=name) from error
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg.lower()}", file=name, line=error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise DataError("not JSON that can be read", file=name) from error
    return value


def _json_list(text: str, name: str) -> Parsed:
    """One JSON list; rows are placed by the line on which they begin."""
    values = cast(list[object], _one_value(text, name))  # its text begins with a bracket
    decoder, place = json.JSONDecoder(), text.index("[") + 1
    line, counted = 1, 0
    for value in values:
        while text[place] in " \t\r\n,":
            place += 1
        line, counted = line + text.count("\n", counted, place), place
        yield line, sound(value)
        place = decoder.raw_decode(text, place)[1]


def _csv(lines: Iterable[str], name: str, delimiter: str) -> Parsed:
    """Rows under a header; empty cells are left out, `tags` are parted by semicolons."""
    csv.field_size_limit(_CELL)
    reader = csv.DictReader(lines, delimiter=delimiter, strict=True)
    began = 1  # the line on which a row begins; csv counts where it ends
    try:
        began = reader.line_num + 1 if reader.fieldnames else began
        for cells in reader:
            if None in cells:
                yield began, DataError("more cells than the header has")
            else:
                row: Row = {column: cell for column, cell in cells.items() if cell}
                if "tags" in row:
                    row["tags"] = [tag.strip() for tag in row["tags"].split(";") if tag.strip()]
                yield began, row
            began = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"not a CSV file: {error}", file=name, line=began) from error
