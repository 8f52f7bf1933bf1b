"""The text of a file that somebody brings: UTF-8, of a sane size, without control characters."""

import re
from pathlib import Path

from cai_core.errors import ConstitutionError, DataError

MOST_BYTES = 2_000_000  # some 350,000 words
MOST_PRINCIPLES = 1_000  # 16 are the paper's; a judge asks each of them about every pair
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\ud800-\udfff]")
_LONGEST = 400  # of what an error quotes


def fault(name: str, line: int | None, message: str) -> ConstitutionError:
    """One sentence with its place; what it quotes may hold line breaks and be of any length."""
    place = f"{name}:{line}" if line else name
    said = " ".join(f"{place}: {message}".split())
    return ConstitutionError(said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…")


def bytes_of(path: Path) -> bytes:
    """Raises ConstitutionError: it is not there, or may not be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise fault(str(path), None, f"cannot be read: {error.strerror}") from error


def decoded(data: bytes | str, name: str) -> str:
    """The text without a byte order mark, with line breaks as `\\n`.

    Raises:
        ConstitutionError: too large, empty, not UTF-8, a control character; says where.
    """
    if len(data) > MOST_BYTES:
        raise fault(
            name,
            None,
            f"has {len(data) / 1e6:.1f} MB and {MOST_BYTES / 1e6:.0f} MB is the most that is read"
            " as a constitution; cut it",
        )
    try:
        text = text_of(data, name)
    except DataError as error:
        raise fault(name, error.line, error.reason) from error
    if not text.strip():
        raise fault(name, None, "the file is empty; write a name and principles")
    return text


def text_of(data: bytes | str, name: str) -> str:
    """The text of any file without a byte order mark, with line breaks as `\\n`.

    Raises:
        DataError: not UTF-8, a control character; with its line.
    """
    text = _utf8(data, name) if isinstance(data, bytes) else data
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = _CONTROL.search(text)
    if found:
        said = "holds a control character, so it is no plain text; save it as text in UTF-8"
        line = text.count("\n", 0, found.start()) + 1
        raise DataError(said, file=name, line=line)
    return text


def _utf8(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError("not UTF-8; save the file as UTF-8", file=name, line=line) from error


def require_few(count: int, name: str) -> None:
    """Raises ConstitutionError: more principles than anybody could ask a judge about."""
    if count > MOST_PRINCIPLES:
        raise fault(
            name, None, f"has {count} principles, and {MOST_PRINCIPLES} are the most; split it"
        )
