"""A Markdown or plain text cut into headings, list items, paragraphs and the rest, with their lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["heading", "item", "paragraph", "quote", "code", "table", "aside", "break"]

_HEADING = re.compile(r"(#{1,6})(?: (.*))?$")
_ANCHOR = re.compile(r"\s*(?<!\\)\{[#.][^{}]*\}$")
_ITEM = re.compile(r"(?:[-*+•‣–]|\(?\d{1,3}[.)]|\(?[a-z]\)|\(?[ivx]{1,4}\))(?:\s+|$)")
_FENCE = re.compile(r"(```+|~~~+)")
_RULE = re.compile(r"(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$")
_UNDERLINE = re.compile(r"(=+|-{2,})$")
COMMENT = re.compile(r"(?<!\\)<!--.*?(?:-->|\Z)", re.DOTALL)
_BOLD_LINE = re.compile(r"(?:\*\*([^*]+)\*\*|__([^_]+)__)$")
_SENTENCE_END = re.compile(r"[.?!][\"'”’)\]*_]*$")
# Headings of plain text: "2.1 Honesty", "Article IV. Of judges", "SECTION TWO".
_NUMBERED = re.compile(
    r"(?:(?:article|section|chapter|part|title|principle|rule)\s+[\dIVXLC]+\b|\d+(?:\.\d+)+)[.:)]?(?:\s|$)",
    re.IGNORECASE,
)
_LONGEST_HEADING = 12  # words


@dataclass(frozen=True)
class Block:
    """One part. `depth` is a heading's level, or how deep an item, or what stands under one, is."""

    kind: Kind
    line: int
    parts: list[tuple[int, str]] = field(default_factory=list)  # (line, its text)
    depth: int = 0

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.parts)

    @property
    def words(self) -> int:
        return sum(len(text.split()) for _, text in self.parts)


def cut(text: str, *, guess_headings: bool = False) -> list[Block]:
    """The blocks in order.

    Args:
        guess_headings: take short lines of capitals and numbered titles for headings too, as plain
            text has them.
    """
    shown = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    blocks = list(_Cutter(shown.expandtabs(4).split("\n"), guess_headings).blocks())
    return _with_item_headings(blocks) if guess_headings else blocks


class _Cutter:
    """Reads lines from the top; `_open` is the paragraph or item that the next line may go on."""

    def __init__(self, lines: list[str], guess_headings: bool) -> None:
        self._lines = lines
        self._guess = guess_headings
        self._at = 0
        self._indents: list[int] = []  # of the list items that are open
        self._open: Block | None = None

    def blocks(self) -> Iterator[Block]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if not line.strip():
                if self._open:
                    yield from _sentences_apart(self._open)
                self._open = None
                continue
            block = self._block(line, len(line) - len(line.lstrip()))
            if block is None:
                continue
            if self._open:
                yield from _sentences_apart(self._open)
            self._open = block
        if self._open:
            yield from _sentences_apart(self._open)

    def _block(self, line: str, indent: int) -> Block | None:
        """The block that this line begins; None where it went into the open one."""
        text = " ".join(line.split())
        if self._underlines(text) or self._goes_on(text):
            return None
        marked = self._marked(line, text, indent)
        if marked:
            return marked
        if self._open and self._open.kind in ("paragraph", "item", "quote"):
            self._open.parts.append((self._at, text))
            return None
        return Block("paragraph", self._at, [(self._at, text)], self._depth(indent))

    def _marked(self, line: str, text: str, indent: int) -> Block | None:
        """What a sign at the beginning of the line makes a block of its own."""
        heading = self._heading(text)
        if heading:
            self._indents = []
            return heading
        fence = _FENCE.match(text)
        if fence:
            return self._fenced(fence[1], self._depth(indent))
        if text.startswith("!!!"):
            return self._aside(text, indent)
        if _RULE.match(text):
            self._indents = []
            return Block("break", self._at, [(self._at, text)])
        if text.startswith(">"):
            said = [(self._at, text.lstrip("> "))]
            return Block("quote", self._at, said, self._depth(indent))
        if text.startswith("|"):
            return Block("table", self._at, [(self._at, text)])
        item = _ITEM.match(text)
        if item:
            return self._item(text[item.end() :].strip(), indent)
        return None

    def _heading(self, text: str) -> Block | None:
        found = _HEADING.match(text)
        if found:
            title = re.sub(r"(?:^| )#+$", "", _ANCHOR.sub("", found[2] or ""))
            return Block("heading", self._at, [(self._at, title)], len(found[1]))
        bold = _BOLD_LINE.match(text)
        follows_blank = not self._open and not self._next().strip()
        if bold and follows_blank and len(text.split()) <= _LONGEST_HEADING:
            return Block("heading", self._at, [(self._at, bold[1] or bold[2])], 6)
        if self._guess and follows_blank and _is_title(text):
            return Block("heading", self._at, [(self._at, text)], 3)
        return None

    def _underlines(self, text: str) -> bool:
        """Whether this line makes the open single line a heading."""
        found = _UNDERLINE.match(text)
        before = self._open
        if not found or not before or before.kind != "paragraph" or len(before.parts) != 1:
            return False
        self._open = Block("heading", before.line, before.parts, 1 if text[0] == "=" else 2)
        self._indents = []
        return True

    def _item(self, text: str, indent: int) -> Block:
        while self._indents and self._indents[-1] >= indent:
            self._indents.pop()
        self._indents.append(indent)
        return Block("item", self._at, [(self._at, text)], len(self._indents) - 1)

    def _depth(self, indent: int) -> int:
        """How many open items this indent stands under; what stands outside ends the list."""
        while self._indents and self._indents[-1] >= indent:
            self._indents.pop()
        return len(self._indents)

    def _goes_on(self, text: str) -> bool:
        """Whether this line goes into the open quotation or table."""
        sign = {"quote": ">", "table": "|"}.get(self._open.kind if self._open else "")
        if not self._open or not sign or not text.startswith(sign):
            return False
        self._open.parts.append((self._at, text.lstrip("> ") if sign == ">" else text))
        return True

    def _fenced(self, mark: str, depth: int) -> Block:
        block = Block("code", self._at, [], depth)
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.strip().startswith(mark):
                break
            block.parts.append((self._at, line))
        return block

    def _aside(self, text: str, indent: int) -> Block:
        """An admonition: `!!! note` and the deeper lines below it."""
        block = Block("aside", self._at, [(self._at, text)])
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            self._at += 1
            if line.strip():
                block.parts.append((self._at, line.strip()))
        return block

    def _next(self) -> str:
        return self._lines[self._at] if self._at < len(self._lines) else ""


def _sentences_apart(block: Block) -> Iterator[Block]:
    """A paragraph whose every line ends a sentence is a list without signs: one block a line."""
    ends = all(_SENTENCE_END.search(text) for _, text in block.parts)
    if block.kind != "paragraph" or len(block.parts) < 2 or not ends:
        yield block
        return
    for line, text in block.parts:
        yield Block("paragraph", line, [(line, text)], block.depth)


def _is_title(text: str) -> bool:
    """
    >>> _is_title("2.1 Honesty"), _is_title("SECTION TWO"), _is_title("It rains.")
    (True, True, False)
    """
    if len(text.split()) > _LONGEST_HEADING or re.search(r"[.;,:?!]$", text):
        return False
    letters = [sign for sign in text if sign.isalpha()]
    capitals = len(letters) > 3 and all(sign.isupper() for sign in letters)
    return capitals or bool(_NUMBERED.match(text))


def _with_item_headings(blocks: list[Block]) -> list[Block]:
    """`3. Honesty` alone between paragraphs of plain text is a heading and no item."""
    found = []
    for place, block in enumerate(blocks):
        before = blocks[place - 1] if place else None
        after = blocks[place + 1] if place + 1 < len(blocks) else None
        apart = not before or before.kind != "item" or block.line > before.parts[-1][0] + 1
        alone = apart and after and after.kind == "paragraph" and not after.depth
        short = block.words <= _LONGEST_HEADING and not re.search(r"[.;,:?!]$", block.text)
        if block.kind == "item" and not block.depth and alone and short and len(block.parts) == 1:
            block = Block("heading", block.line, block.parts, 3)
        found.append(block)
    return found
