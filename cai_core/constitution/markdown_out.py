"""A constitution as Markdown, out; `markdown` reads it back."""

import re
from collections.abc import Iterator, Sequence

from cai_core.constitution import keys, losses
from cai_core.constitution.inline import escaped, folded
from cai_core.schema import Constitution, Principle

_DEEPEST = 5  # headings of level 2 to 6
_HOLDS = {"key", "text", "critique", "revision", "tags", "source", "name", "description"}
_TEXTS = ("text", "critique", "revision", "source")


def write(constitution: Constitution) -> tuple[str, list[str]]:
    """The document, and what it cannot hold; disabled principles stay out."""
    kept = list(constitution.enabled)
    lines = [f"# {_heading(constitution.name)}", ""]
    if constitution.description.strip():
        lines += [_paragraph(constitution.description), ""]
    above: tuple[str, ...] = ()
    for principle, key in zip(kept, _keys(kept), strict=True):
        path = _path(principle)
        lines += _headings(above, path)
        lines += _item(principle, key)
        above = path
    left = losses.of_constitution(constitution, holds=_HOLDS)
    left += losses.of_principles(kept, holds=_HOLDS)
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n")
    return f"{text}\n", left + list(_changed(constitution, kept))


def _keys(principles: Sequence[Principle]) -> list[str]:
    return keys.unique([keys.slug(p.key) or "principle" for p in principles])


def _path(principle: Principle) -> tuple[str, ...]:
    """The tags as headings, those that a heading can hold."""
    found = [folded(tag) for tag in principle.tags]
    return tuple(tag for tag in found if tag)[:_DEEPEST]


def _headings(above: tuple[str, ...], path: tuple[str, ...]) -> list[str]:
    """What leads from under one path of headings to under another."""
    if path == above:
        return []
    if not path:
        return ["", "***", ""]
    same = next(
        (i for i, pair in enumerate(zip(above, path, strict=False)) if len({*pair}) > 1), None
    )
    begin = min(len(above), len(path)) if same is None else same
    if begin == len(path):  # back to a heading above: it is said again
        begin -= 1
    return [
        line
        for level in range(begin, len(path))
        for line in ("", f"{'#' * (level + 2)} {_heading(path[level])}", "")
    ]


def _item(principle: Principle, key: str) -> list[str]:
    lines = [f"- **{escaped(key)}:** {escaped(principle.text)}".rstrip()]
    if principle.critique.strip():
        lines.append(f"  - Critique request: {escaped(principle.critique)}")
    if principle.revision.strip():
        lines.append(f"  - Revision request: {escaped(principle.revision)}")
    if principle.source.strip():
        lines += ["", f"  > {escaped(principle.source)}", ""]
    return lines


def _heading(text: str) -> str:
    return escaped(text).replace("#", "\\#").replace("\\\\#", "\\#")


def _paragraph(text: str) -> str:
    """A colon at its end would make it the introduction of the list below."""
    line = escaped(text)
    return f"{line[:-1]}\\:" if line.endswith(":") else line


def _changed(constitution: Constitution, principles: Sequence[Principle]) -> Iterator[str]:
    """What comes back, but not as it was."""
    renamed = [p for p, key in zip(principles, _keys(principles), strict=True) if p.key != key]
    if renamed:
        yield f"the keys of {losses.counted(renamed)}, which come back in lower case with hyphens"
    spaced = [p for p in principles if any(getattr(p, n) != folded(getattr(p, n)) for n in _TEXTS)]
    if spaced:
        yield f"line breaks and repeated spaces in {losses.counted(spaced)}"
    cut = [p for p in principles if p.tags != _path(p)]
    if cut:
        yield f"some tags of {losses.counted(cut)}: a heading is one line, and five nest at most"
    if any(text != folded(text) for text in (constitution.name, constitution.description)):
        yield "line breaks and repeated spaces in the name or the description"
