"""A pair as a row of the review card: sides as this reviewer sees them, long equal stretches folded."""

from collections.abc import Sequence

from cai_core.schema import Label, Pair
from cai_core.text import DiffPart, words
from ui import ballots, cards, review_sides
from ui.judge_choices import judge_words
from ui.review_answers import note, parts_of_both
from ui.review_card import Box, Fact, Part, Row, plain_parts, turns_of

FOLD = 40  # equal words in a row from which they are folded
ENDS = 8  # words of such a stretch that stay in sight at either end


def pair_row(
    pair: Pair, reviewer: str, *, badges: Sequence[str] = (), facts: Sequence[Fact] = ()
) -> Row:
    """The row of a pair in its own orientation; the facts have the sides as shown."""
    shown = review_sides.as_shown(pair, reviewer)
    a, b = shown.response_a, shown.response_b
    both = parts_of_both(a, b)
    first, second = map(folded, both) if both else (plain_parts(a), plain_parts(b))
    return Row(
        id=pair.id,
        turns=turns_of(pair.prompt),
        boxes=(Box("Answer A", first), Box("Answer B", second)),
        shown="ba" if review_sides.is_turned(pair.id, reviewer) else "ab",
        badges=tuple(badges),
        note=note(a, b, marked=both is not None),
        facts=tuple(facts),
        starts=(("Begin with A", a), ("Begin with B", b)),
    )


def folded(parts: Sequence[DiffPart]) -> tuple[Part, ...]:
    """One text's parts, whose long equal stretches keep their ends; joined they give the text back.

    >>> [p.kind for p in folded([DiffPart("same", "a " * 60), DiffPart("added", "b")])]
    ['same', 'fold', 'same', 'own']
    """
    found: list[Part] = []
    equal = 0
    for part in parts:
        if part.op != "same":
            found.append(Part(part.text, "own"))
            continue
        equal += 1
        found += _folded(part.text, equal)
    return tuple(found)


def _folded(text: str, number: int) -> list[Part]:
    pieces = words(text)
    places = [at for at, piece in enumerate(pieces) if not piece.isspace()]
    if len(places) < FOLD:
        return [Part(text)]
    start, end = places[ENDS], places[-ENDS]
    middle = "".join(pieces[start:end])
    return [
        Part("".join(pieces[:start])),
        Part(middle, "fold", number, len(places) - 2 * ENDS),
        Part("".join(pieces[end:])),
    ]


def judge_fact(found: Label | None) -> Fact:
    """What the judge says; `found` has the sides as shown."""
    if found is None:
        return Fact("Judge: nothing yet", text="This judge has not judged this pair.")
    if found.verdict is None:
        return Fact("Judge: failed", text=found.error or "no reason given")
    shaky = " · inconsistent" if found.inconsistent else " · flipped" if found.flipped else ""
    who = f"{judge_words(found.annotator)} · {found.method} · {found.principles}"
    said = [who, *ballots.notes(found), found.rationale]
    return Fact(
        f"Judge: {cards.verdict_text(found.verdict)}{shaky}",
        rows=judgement_rows(found),
        bars=tuple(found.votes.items()),
        text="\n".join(filter(None, said)),
    )


def judgement_rows(found: Label) -> tuple[tuple[str, str], ...]:
    """The numbers of a judgement by their names."""
    rows = [("P(A is better)", _number(found.p_a))]
    if found.orders:
        rows.append(("… when A stood first", _number(found.orders.ab)))
        rows.append(("… when B stood first", _number(found.orders.ba)))
    rows.append(("Offset to the first place", _number(found.offset, signed=True)))
    mass = "Share of readable verdicts" if found.method == "repeat" else "Mass on the two options"
    return (*rows, (mass, _number(found.mass)))


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    return f"{value:+.2f}" if signed else f"{value:.2f}"


def people_fact(said: Sequence[Label]) -> Fact:
    """What people said of a disputed pair, and why; the labels have the sides as shown."""
    rows = []
    for label in said:
        review = label.review
        words = cards.verdict_text(label.verdict)
        if review and review.clear:
            words += ", clearly"
        why = [*(review.reasons if review else ()), review.note if review else ""]
        rows.append((label.annotator, " · ".join([words, *filter(None, why)])))
    return Fact("People disagree; your verdict ends it", rows=tuple(rows))
