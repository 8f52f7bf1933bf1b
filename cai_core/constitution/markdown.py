"""A constitution as Markdown, in: a heading is a tag, a list item or short paragraph a principle.

    # name                                      the only heading of level 1, or one above no principle
    A paragraph under it is the description.
    ## harm                                     headings that are nested are several tags
    - **key:** Which response ...?              the key is optional; `**Words.** More.` gives one too
      - Critique request: ...
      - Revision request: ...
      > The source passage.
    ***                                         what follows has no tags

What has no place in this, such as a long paragraph or a table, is named with its line.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cai_core.constitution import keys, losses, sentences
from cai_core.constitution.blocks import COMMENT, Block, cut
from cai_core.constitution.inline import plain
from cai_core.constitution.plain_text import fault, require_few
from cai_core.schema import Constitution, Principle

SHORT = 60  # words; a longer paragraph is prose and no principle
_FIELD = re.compile(
    r"[*_]{0,2}(critique|revision)(?:[ _-]?request)?(?::[*_]{0,2}|[*_]{1,2}:)\s*", re.IGNORECASE
)
_LABEL = re.compile(r"(?:\*\*|__)((?:\\.|[^*_\\]|_(?!_))+?)(?::(?:\*\*|__)|(?:\*\*|__):)\s*")
_BOLD = re.compile(r"(?:\*\*|__)((?:\\.|[^*_\\])+?)(?:\*\*|__)")
_LABEL_WORDS = 8
_ITEMS = 3  # a principle has up to three items: itself, its critique and its revision request
_CHECKBOX = re.compile(r"\[[ xX]\] ")
_FRONT = re.compile(r"---\n(.*?\n)?---\n", re.DOTALL)
_FRONT_FIELD = re.compile(r"(name|title|description): *(.*)", re.IGNORECASE)
_MODAL_END = re.compile(
    r"\b(?:should|must|shall|will|to|not|never|always|ought to|may not|that|which)$", re.IGNORECASE
)
_NOUNS = {"code": "code block", "table": "table", "quote": "quotation", "aside": "note"}


@dataclass
class _Page:
    """What has been read so far."""

    name: str = ""
    description: str = ""
    path: dict[int, str] = field(default_factory=dict)  # level of a heading -> its text
    leads: dict[int, str] = field(default_factory=dict)  # depth -> "The assistant should" above it
    principles: list[Principle] = field(default_factory=list)
    lost: dict[str, list[int]] = field(default_factory=dict)  # what -> lines

    def lose(self, what: str, line: int) -> None:
        self.lost.setdefault(what, []).append(line)


def read(text: str, *, name: str) -> tuple[Constitution, list[str]]:
    """The constitution, its name "" where the file gives none, and what was not taken over.

    Raises:
        ConstitutionError: nothing in it can be a principle, or too much.
    """
    page = _Page()
    body = _front_matter(text, page)
    blocks = cut(body)
    require_few(sum(block.kind == "item" for block in blocks) // _ITEMS, name)
    title = _title(blocks)
    for place, block in enumerate(blocks):
        after = blocks[place + 1] if place + 1 < len(blocks) else None
        _take(page, block, after, is_title=place == title)
    if not page.principles and page.description:
        page.principles, page.description = [Principle("", page.description)], ""
    if not page.principles:
        raise fault(
            name,
            None,
            "has no list item and no short paragraph that could be a principle; choose the form"
            " prose, which cuts long text",
        )
    require_few(len(page.principles), name)
    for comment in COMMENT.finditer(body):
        page.lose("comment", body.count("\n", 0, comment.start()) + 1)
    return Constitution(page.name, _keyed(page.principles), page.description), _lost(page)


def share_of_principles(text: str) -> float:
    """Share of the words that stand in items and in short paragraphs of a sentence or two, 0 to 1."""
    blocks = [b for b in cut(text, guess_headings=True) if b.kind in ("item", "paragraph")]
    all_words = sum(block.words for block in blocks)
    short = sum(b.words for b in blocks if b.kind == "item" or _is_rule(b))
    return short / all_words if all_words else 0.0


def _is_rule(block: Block) -> bool:
    return block.words <= SHORT and len(sentences.split(block.parts)) <= 2


def _title(blocks: Sequence[Block]) -> int | None:
    """Place of the heading that names the whole."""
    tops = [i for i, b in enumerate(blocks) if b.kind == "heading" and b.depth == 1]
    if not tops or any(block.kind == "item" for block in blocks[: tops[0]]):
        return None
    if len(tops) == 1:
        return tops[0]
    below = blocks[tops[0] + 1 : tops[1]]
    return None if any(block.kind == "item" for block in below) else tops[0]


def _take(page: _Page, block: Block, after: Block | None, *, is_title: bool) -> None:
    if is_title:
        page.name = plain(block.text)
    elif block.kind == "heading":
        page.path = {level: text for level, text in page.path.items() if level < block.depth}
        page.path[block.depth] = plain(block.text)
        page.leads = {}
    elif block.kind == "break":
        if block.text.startswith("*"):
            page.path = {}
    elif block.kind == "item":
        _take_item(page, block, after)
    elif block.kind == "paragraph":
        _take_paragraph(page, block, after)
    elif block.kind == "quote" and block.depth and page.principles:
        page.principles[-1] = replace(page.principles[-1], source=plain(block.text))
    else:
        page.lose(_NOUNS[block.kind], block.line)


def _take_item(page: _Page, block: Block, after: Block | None) -> None:
    found = _FIELD.match(block.text)
    if found and block.depth and page.principles:
        last, wording = page.principles[-1], plain(block.text[found.end() :])
        is_critique = found[1].lower() == "critique"
        page.principles[-1] = (
            replace(last, critique=wording) if is_critique else replace(last, revision=wording)
        )
        return
    page.leads = {depth: lead for depth, lead in page.leads.items() if depth <= block.depth}
    deeper = after and after.kind == "item" and after.depth > block.depth
    if deeper and after and not _FIELD.match(after.text) and _is_lead(block.text):
        page.leads[block.depth + 1] = _led(page, block.depth, plain(block.text))
        return
    if not block.text.strip() or not plain(block.text):
        page.lose("empty item", block.line)
        return
    _add(page, _principle(block.text, page), block.depth)


def _take_paragraph(page: _Page, block: Block, after: Block | None) -> None:
    begun = page.principles or page.path
    if block.depth and page.principles:
        last = page.principles[-1]
        page.principles[-1] = replace(last, text=f"{last.text} {plain(block.text)}".strip())
    elif after and after.kind == "item" and _is_lead(block.text):
        page.leads = {after.depth: plain(block.text)}
    elif not begun and page.name and not page.description:
        page.description = plain(block.text)
    elif block.words > SHORT:
        page.lose("long paragraph", block.line)
    else:
        page.leads = {}
        _add(page, _principle(block.text, page), 0)


def _add(page: _Page, principle: Principle, depth: int) -> None:
    text = _led(page, depth, principle.text)
    page.principles.append(replace(principle, text=text))


def _principle(raw: str, page: _Page) -> Principle:
    """Its key where a bold label gives one, "" where not."""
    raw = _CHECKBOX.sub("", raw, count=1) if _CHECKBOX.match(raw) else raw
    tags = tuple(text for _, text in sorted(page.path.items()) if text)
    label, bold = _LABEL.match(raw), _BOLD.match(raw)
    if label and len(label[1].split()) <= _LABEL_WORDS and keys.slug(plain(label[1])):
        return Principle(keys.slug(plain(label[1])), plain(raw[label.end() :]), tags=tags)
    if bold and len(bold[1].split()) <= _LABEL_WORDS:
        return Principle(keys.slug(plain(bold[1])), plain(raw), tags=tags)
    return Principle("", plain(raw), tags=tags)


def _is_lead(raw: str) -> bool:
    """Whether it only introduces the items below it."""
    return raw.endswith(":") and not raw.endswith("\\:")


def _led(page: _Page, depth: int, text: str) -> str:
    """An item under "The assistant should:" says little without it."""
    lead = page.leads.get(depth)
    if not lead or not text:
        return text
    bare = lead.rstrip(": ")
    if _MODAL_END.search(bare):
        return f"{bare} {text[:1].lower()}{text[1:]}"
    return f"{bare}: {text}"


def _keyed(principles: Sequence[Principle]) -> tuple[Principle, ...]:
    """Labels keep their keys; an item that is only a label is its own wording."""
    worded = [p if p.text or p.critique else replace(p, text=p.key) for p in principles]
    given = {p.key for p in worded if p.key}
    made = keys.unique(
        [keys.from_words(p.text or p.critique) for p in worded if not p.key], taken=given
    )
    labelled = keys.unique([p.key for p in worded if p.key], taken=made)
    anew, own = iter(made), iter(labelled)
    return tuple(replace(p, key=next(own) if p.key else next(anew)) for p in worded)


def _front_matter(text: str, page: _Page) -> str:
    """The text with its front matter blanked, so that lines keep their numbers."""
    found = _FRONT.match(text)
    if not found:
        return text
    for place, line in enumerate((found[1] or "").splitlines(), start=2):
        named = _FRONT_FIELD.match(line)
        if not named:
            page.lose("line of front matter", place)
        elif named[1].lower() == "description":
            page.description = named[2].strip("'\" ")
        else:
            page.name = named[2].strip("'\" ")
    return "\n" * found[0].count("\n") + text[found.end() :]


def _lost(page: _Page) -> list[str]:
    """
    >>> _lost(_Page(lost={"table": [3], "long paragraph": [7, 9]}))
    ['1 table (line 3)', '2 long paragraphs (lines 7, 9)']
    """
    found = []
    for what, lines in page.lost.items():
        word = "lines" if len(lines) > 1 else "line"
        many = "lines of front matter" if what == "line of front matter" else f"{what}s"
        noun = many if len(lines) > 1 else what
        found.append(f"{len(lines)} {noun} ({word} {losses.listed([str(n) for n in lines])})")
    return found
