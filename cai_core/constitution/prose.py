"""Long prose cut into candidates for principles, which a person accepts one by one. No model.

Each sentence or list item that states a norm is a candidate, in the order of the text: with its key,
a comparison where its grammar allows one (else the passage as a critique request), its headings as
tags, and the passage that it stands in. Near-duplicates are folded into the first.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from cai_core.constitution import keys, norms, sentences
from cai_core.constitution.blocks import Block, cut
from cai_core.constitution.inline import plain
from cai_core.constitution.norms import AGENT, Norm, Strength
from cai_core.constitution.plain_text import decoded, fault
from cai_core.constitution.sentences import Sentence
from cai_core.schema import Principle
from cai_core.text import normalise

MOST_CANDIDATES = 2_000
# From here on two candidates say the same (token_sort_ratio, 0 to 100): "the" for "a", or a plural.
# One other word in twelve leaves about 90 and may be the one that counts: weapons, and which.
SAME = 93
# How sure it is that a sentence of this kind is a norm for answers.
_SCORES: dict[Strength, float] = {"must": 0.9, "should": 0.8, "want": 0.7, "imperative": 0.6}
_LEAST = 0.35  # score of what is shown at all
_PASSAGE_WORDS = 60
_TAG = 40  # characters
# Roman numbers up to 89. By itself one needs a sign behind it: "I will be honest" has no number.
_ROMAN = r"(?=[IVXL])(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_NUMBER = re.compile(
    r"^(?:(?i:(?:section|article|chapter|part|principle|rule) (?:\d+(?:\.\d+)*"
    rf"|{_ROMAN})[.:)]?)|\d+(?:\.\d+)*[.:)]?|{_ROMAN}[.:)])\s+(?=\S)"
)


@dataclass(frozen=True)
class Candidate:
    """What one sentence proposes. `score` is 0 to 1, higher for what is surer a norm for answers."""

    key: str
    text: str
    critique: str
    tags: tuple[str, ...]
    source: str
    line: int
    section: str
    score: float
    also: tuple[int, ...] = ()  # lines of near-duplicates that were folded into it

    @property
    def principle(self) -> Principle:
        return Principle(
            self.key, text=self.text, critique=self.critique, tags=self.tags, source=self.source
        )

    @property
    def wording(self) -> str:
        return self.text or self.critique


@dataclass(frozen=True)
class _Place:
    """Where a sentence stands."""

    sentence: Sentence
    passage: str
    headings: tuple[str, ...]
    listed: bool
    lead: str


@dataclass(frozen=True)
class _Stated:
    """A candidate, what it asks for in bare words, and whether that is asked of answers."""

    candidate: Candidate
    asks: str
    of_answers: bool


def candidates(data: bytes | str, *, name: str) -> list[Candidate]:
    """The candidates of a text, in its order.

    Raises:
        ConstitutionError: no plain text, nothing in it states a norm, or too much does.
    """
    places = list(_places(cut(decoded(data, name), guess_headings=True)))
    found = _about_answers(list(_stated(places, Path(name).name)))
    if not found:
        raise fault(
            name,
            None,
            "has no sentence that says how to answer (should, must, never, avoid ...); write the"
            " principles by hand",
        )
    if len(found) > MOST_CANDIDATES:
        raise fault(
            name,
            None,
            f"has {len(found)} sentences that state a norm, and {MOST_CANDIDATES} are the most; cut"
            " it into several files",
        )
    folded = _folded(found)
    unique = keys.unique([candidate.key for candidate in folded])
    return [replace(c, key=key) for c, key in zip(folded, unique, strict=True)]


def _places(blocks: Sequence[Block]) -> Iterator[_Place]:
    """Every sentence of paragraphs and items. Code, tables, quotations and notes are no rules."""
    headings: dict[int, str] = {}
    lead = ""
    titles = [block for block in blocks if block.kind == "heading" and block.depth == 1]
    for block in blocks:
        if titles == [block]:  # of the whole document, so that it tells no part from another
            continue
        if block.kind == "heading":
            headings = {level: text for level, text in headings.items() if level < block.depth}
            headings[block.depth] = _title(block.text)
            lead = ""
        if block.kind not in ("item", "paragraph"):
            continue
        path = tuple(text for _, text in sorted(headings.items()) if text)
        parts = [(line, _SEE.sub("", plain(text))) for line, text in block.parts]
        said = sentences.split(_cleaned(block, parts))
        for place, sentence in enumerate(said):
            listed = block.kind == "item" and place == 0
            yield _Place(
                sentence, _passage(said, place, lead), path, listed, lead if listed else ""
            )
        if block.kind == "paragraph":
            lead = said[-1].text if said and said[-1].text.endswith(":") else ""


def _cleaned(block: Block, parts: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Markup over several lines is taken out of the whole; then the sentences share its first line."""
    if len(parts) > 1 and ("**" in block.text or "](" in block.text):
        return [(block.line, plain(block.text))]
    return parts


def _title(text: str) -> str:
    return _NUMBER.sub("", plain(text)).strip().rstrip(":.")


def _passage(said: Sequence[Sentence], place: int, lead: str) -> str:
    """The paragraph, or of a long one the sentence with its neighbours."""
    words = sum(len(sentence.text.split()) for sentence in said)
    near = said if words <= _PASSAGE_WORDS else said[max(place - 1, 0) : place + 2]
    return " ".join(
        [lead, *(sentence.text for sentence in near)] if lead else [s.text for s in near]
    )


_NAMED = re.compile(
    r"(?<=[a-z,;] )(?<!the )(?<!a )(?<!our )([A-Z][a-zA-Z]+) (?:should|must|ought to|never|always)\b"
)


def _assistant_name(places: Sequence[_Place]) -> re.Pattern[str] | None:
    """What a text calls its assistant: one capitalised word that often stands before "should"."""
    text = " ".join(place.sentence.text for place in places)
    counts = Counter(found for found in _NAMED.findall(text) if found not in ("I", "AI", "It"))
    ((name, often),) = counts.most_common(1) or [("", 0)]
    return re.compile(rf"\b{name}\b") if often >= 2 else None


def _is_told(places: Sequence[_Place]) -> bool:
    """Whether the text speaks to the assistant, so that its imperatives are rules."""
    told = sum(bool(_TOLD.match(place.sentence.text)) for place in places)
    return told >= max(2, len(places) // 50)


_TOLD = re.compile(r"you (?:are|should|must|will|may|can)\b", re.IGNORECASE)
_SEE = re.compile(r" ?\((?:see|cf\.?)(?: also)?[^()]*\)", re.IGNORECASE)


def _stated(places: Sequence[_Place], file: str) -> Iterator[_Stated]:
    agent, before = False, 0
    called, commands = _assistant_name(places), _is_told(places)
    for place in places:
        if place.sentence.line - before > 3:
            agent = False
        before = place.sentence.line
        text = _under_lead(place)
        text = called.sub("the assistant", text) if called else text
        found = norms.find(text, listed=place.listed or commands, agent_before=agent)
        agent = bool(_AGENT.search(text)) or (agent and not _OTHERS.search(text))
        for norm in found:
            yield _Stated(_candidate(place, norm, file), norm.verb, norm.of_answers)


_AGENT = re.compile(rf"\b{AGENT}\b", re.IGNORECASE)
_OTHERS = re.compile(
    r"^(?:the |our |all |some |many )?(?:users?|people|operators?|developers?|companies|humans?|members?|we)\b",
    re.IGNORECASE,
)


def _under_lead(place: _Place) -> str:
    """`The assistant should:` and `be honest` are one sentence."""
    lead, text = place.lead.rstrip(": "), place.sentence.text
    if not lead or not re.search(
        r"\b(?:should|must|shall|ought to|to|not|never|always)$", lead, re.IGNORECASE
    ):
        return text
    return f"{lead} {text[:1].lower()}{text[1:]}"


def _candidate(place: _Place, norm: Norm, file: str) -> Candidate:
    text = norm.text
    passage = place.passage if norm.points_back else _under_lead(place)
    passage = re.sub(r"[;,](?: and| or)?$", ".", passage)
    return Candidate(
        key=keys.from_words(norm.verb),
        text=text,
        critique="" if text else f'Say where the last answer departs from this: "{passage}"',
        tags=tuple(tag for tag in (_tag(h) for h in place.headings[-2:]) if tag),
        source=f"{file}:{place.sentence.line}: {place.passage}",
        line=place.sentence.line,
        section=" › ".join(place.headings[-2:]),
        score=_score(place, norm),
    )


def _tag(heading: str) -> str:
    return heading.lower() if len(heading) <= _TAG else ""


def _score(place: _Place, norm: Norm) -> float:
    words = len(place.sentence.text.split())
    score = _SCORES[norm.strength]
    score -= 0.15 * (not norm.text) + 0.1 * norm.points_back
    score -= 0.2 * (words > 50) + 0.1 * (words < 5)
    return round(max(score, 0.0), 2)


def _about_answers(found: Sequence[_Stated]) -> list[_Stated]:
    """Where a text speaks of an assistant, rules for other people in it are no principles."""
    about = sum(stated.of_answers for stated in found)
    speaks = about >= max(3, len(found) // 4)
    sure = [stated for stated in found if stated.candidate.score >= _LEAST]
    return [stated for stated in sure if stated.of_answers or not speaks]


def _folded(found: Sequence[_Stated]) -> list[Candidate]:
    """Near-duplicates go into the first of them."""
    words = [" ".join(sorted(normalise(stated.asks).split())) for stated in found]
    close = process.cdist(words, words, scorer=fuzz.ratio, score_cutoff=SAME, dtype=np.uint8)
    kept: dict[int, list[int]] = {}
    for at, stated in enumerate(found):
        first = next((int(k) for k in np.flatnonzero(close[at, :at]) if int(k) in kept), None)
        if first is None:
            kept[at] = []
        else:
            kept[first].append(stated.candidate.line)
    return [replace(found[at].candidate, also=tuple(lines)) for at, lines in kept.items()]
