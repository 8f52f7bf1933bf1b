"""Labels as rows of JSON: ours, as `judge` and `labels export` write them, and pairs that bring a verdict."""

from dataclasses import replace
from typing import cast

from cai_core.errors import DataError
from cai_core.schema import (
    EVENT,
    HUMAN_P,
    ConstitutionRef,
    Label,
    Pair,
    Review,
    Row,
    Verdict,
    undone,
)
from cai_core.schema.fields import as_object

NAMELESS = "imported"  # who gave a verdict that names nobody


def labels_of(value: object, *, annotator: str = NAMELESS) -> tuple[Label, ...]:
    """The labels of one row: none, one, or a judgement and a person's verdict on it.

    An event that was undone says nothing.

    Raises:
        DataError: what is wrong with the row.
    """
    row = dict(as_object(value))
    if undone(row):
        return ()
    row.pop(EVENT, None)
    if "verdict" not in row:
        return _of_pair(row, annotator)
    if row.get("kind") == "person" or row.get("label") is None:
        return (complete(Label.from_row(row), annotator),)
    said = row.pop("label"), row.pop("review", None), row.get("annotator")
    judged = complete(Label.from_row({"kind": "judge"} | row), annotator)
    return judged, _on(judged, *said, annotator)


def _of_pair(row: Row, annotator: str) -> tuple[Label, ...]:
    pair = Pair.from_row(row)
    if pair.label is None:
        return ()
    review = Review.from_row(pair.extra.get("review"))
    rest = {key: value for key, value in pair.extra.items() if key != "review"}
    bare = replace(pair, label=None, annotator="", extra={})
    label = Label(bare, pair.label, None, kind="person", annotator=pair.annotator, review=review)
    return (complete(replace(label, extra=rest), annotator),)


def _on(judged: Label, verdict: object, review: object, named: object, annotator: str) -> Label:
    """The person's verdict that stands on a judgement's row; the name is the judge's where no judge is named."""
    checked = Pair.from_row({**judged.pair.to_row(), "label": verdict}).label
    name = "" if named == judged.annotator or not isinstance(named, str) else named
    label = Label(judged.pair, checked, None, kind="person", annotator=name)
    return complete(replace(label, review=Review.from_row(review)), annotator)


def complete(label: Label, annotator: str) -> Label:
    """With a name and a probability: a verdict that came without one counts as certain.

    Raises:
        DataError: a person's label without a verdict.
    """
    if label.kind == "person" and label.verdict is None:
        raise DataError("a person's 'verdict' is missing; fill it", column="verdict")
    name = label.annotator.strip() or (label.review.reviewer.strip() if label.review else "")
    review = label.review
    if review and not review.reviewer:
        review = replace(review, reviewer=name or annotator)
    p_a = label.p_a
    if label.kind == "person" or p_a is None:
        p_a = HUMAN_P.get(label.verdict or "")
    name = name or annotator
    if (name, p_a, review) == (label.annotator, label.p_a, label.review):
        return label  # most are whole, and a copy takes a third of the time of reading
    return replace(label, annotator=name, p_a=p_a, review=review)


def setting_row(label: Label) -> Row:
    """The setting of a judge, for a form that has no columns for it."""
    row: Row = {"method": label.method, "principles": label.principles, "template": label.template}
    return row | ({"constitution": label.constitution.to_row()} if label.constitution else {})


def under(label: Label, setting: object) -> Label:
    """The label with the setting of such a row; without one, as it is."""
    if not isinstance(setting, dict):
        return label
    return replace(
        label,
        method=str(setting.get("method") or ""),
        principles=str(setting.get("principles") or ""),
        template=str(setting.get("template") or ""),
        constitution=ConstitutionRef.from_row(setting.get("constitution")),
    )


_SPELT = {  # lower case, without spaces, dashes and underscores
    **dict.fromkeys(("a", "texta", "responsea", "answera", "completiona", "optiona"), "a"),
    **dict.fromkeys(("b", "textb", "responseb", "answerb", "completionb", "optionb"), "b"),
    **dict.fromkeys(("response1", "text1", "answer1", "completion1", "generation1"), "a"),
    **dict.fromkeys(("response2", "text2", "answer2", "completion2", "generation2"), "b"),
    **dict.fromkeys(("tie", "equal", "same", "both"), "tie"),
    **dict.fromkeys(("bad", "bothbad", "neither"), "bad"),
    **dict.fromkeys(("skip", "skipped"), "skip"),
}


def verdict_of(value: object) -> Verdict | None:
    """A verdict as other programs spell it; None where it is none that we know.

    >>> verdict_of("Response-1"), verdict_of("both bad"), verdict_of("chosen")
    ('a', 'bad', None)
    """
    if not isinstance(value, str):
        return None
    bare = value.strip().lower().translate(str.maketrans("", "", " -_"))
    return cast(Verdict | None, _SPELT.get(bare))
