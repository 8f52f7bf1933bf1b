"""Inverse CAI's annotated pairs (versions 1 and 2), which Feedback Forensics reads: one JSON document.

    {metadata: {version, default_annotator, ...}, annotators: {ID: {name, description, type}},
     comparisons: [{id, prompt, response_a: {text}, response_b: {text}, annotations: {ID: {pref}}}]}

Principles are annotators there; here they are the votes of a judge. What we write besides (`of`,
`setting`, `p_a`, `review`, `messages`) other programs pass over, and we read again.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from cai_core.curate.label_json import NAMELESS, complete, setting_row, under, verdict_of
from cai_core.errors import DataError
from cai_core.schema import (
    HUMAN_P,
    Label,
    Pair,
    Review,
    Row,
    Verdict,
    chat_row,
    content_hash,
    setting_of,
    user,
)
from cai_core.schema.fields import as_object, probability

VERSION = "2.0"
# Feedback Forensics measures everybody against the annotator of this id (inverse_cai's
# hash_string of "Default annotator from original dataset (from column `preferred_text`)").
DEFAULT_ID = "ba751e7b"
_KINDS = {
    "ai": "judge",
    "model": "judge",
    "judge": "judge",
    "rule": "rule",
}  # all others are people
_TYPES = {"judge": "ai", "person": "human", "rule": "rule"}
_AGREED: Row = {
    "name": "preferred_text",
    "description": "What people agree on, else what the judge says",
    "type": "unknown",
    "derived": True,
}
_SILENT = {"not_applicable", "irrelevant", "non_preference_annotation", "not relevant", ""}


def comparisons_of(document: object, *, name: str) -> list[object]:
    """The comparisons of a document. Raises DataError: it is none of this form."""
    found = document.get("comparisons") if isinstance(document, dict) else None
    if not isinstance(found, list) or not isinstance(document, dict):
        raise DataError("no 'comparisons': these are no annotated pairs", file=name)
    version = str(_dict(document.get("metadata")).get("version", "1.0"))
    if version.partition(".")[0] not in ("1", "2"):
        raise DataError(
            f"annotated pairs of version {version[:20]}; only 1 and 2 can be read", file=name
        )
    if not isinstance(document.get("annotators"), dict):
        raise DataError("no 'annotators': these are no annotated pairs", file=name)
    return found


def reader(document: Row, *, annotator: str) -> Callable[[object], tuple[Label, ...]]:
    """A function that reads one comparison of this document. Raises DataError: what is wrong with it."""
    annotators = {key: _dict(who) for key, who in document["annotators"].items()}
    dataset = str(_dict(document.get("metadata")).get("dataset_name") or NAMELESS)
    known = _Annotators(annotators, f"principles of {dataset}", annotator)
    return lambda comparison: _labels(as_object(comparison), known)


@dataclass(frozen=True)
class _Annotators:
    """Who annotates a document; `principles` is the judge that principles without one vote for."""

    rows: Mapping[str, Row]
    principles: str
    nameless: str


def _labels(comparison: Row, known: _Annotators) -> tuple[Label, ...]:
    pair = _pair(comparison)
    votes: dict[str, Row] = {}
    notes: dict[str, Row] = {}
    for key, note in _dict(comparison.get("annotations")).items():
        who = known.rows.get(key)
        if who is None:
            raise DataError(f"the annotator '{key}' is not among the 'annotators'")
        kind = str(who.get("type", ""))
        if who.get("derived"):
            continue
        if kind == "principle":
            name = str(who.get("name") or who.get("description") or key)
            votes.setdefault(str(who.get("of", "")), {})[name] = _dict(note)
        elif kind != "non_preference_principle":
            notes[key] = _dict(note)
    said = (_label(pair, known.rows[key], note, votes.pop(key, {})) for key, note in notes.items())
    labels = [complete(label, known.nameless) for label in said if label]
    return (*labels, *_of_principles(pair, known, votes))


def _pair(comparison: Row) -> Pair:
    """Of version 2 or 1; without a prompt, the answers are whole dialogues."""
    a, b = (
        _text(comparison[side] if side in comparison else comparison.get(old))
        for side, old in (("response_a", "text_a"), ("response_b", "text_b"))
    )
    prompt = comparison.get("messages") or comparison.get("prompt")
    if prompt is None or prompt == "":
        pair = Pair.from_row({"chosen": a, "rejected": b})
        pair = pair if pair.label == "a" else pair.swapped()
        return Pair.of(pair.prompt, pair.response_a, pair.response_b)
    row: Row = {"id": comparison.get("id"), "prompt": prompt}
    return Pair.from_row(row | {"response_a": a, "response_b": b})


def _text(response: object) -> object:
    if isinstance(response, dict):
        found = (
            response[key] for key in ("text", "output", "message", "content") if key in response
        )
        return next(found, "")
    return response


def _label(pair: Pair, who: Row, note: Row, votes: Mapping[str, Row]) -> Label | None:
    """What one annotator says; None where it says nothing of this pair."""
    kind: Any = _KINDS.get(str(who.get("type", "")).lower(), "person")
    pref, reason = note.get("pref"), str(note.get("no_pref_reason") or "")
    verdict = verdict_of(pref) or verdict_of(reason)
    if pref is not None and verdict is None and str(pref) not in _SILENT:
        raise DataError(f"'pref' is {str(pref)[:40]!r}; it must be a, b or null", column="pref")
    if verdict is None and (kind != "judge" or reason in _SILENT):
        return None
    ps, silent = _votes(votes)
    label = Label(
        pair=pair,
        verdict=verdict,
        p_a=probability(note, "p_a"),
        kind=kind,
        annotator=str(who.get("name") or who.get("description") or ""),
        votes=ps,
        not_applicable=silent,
        rationale=str(note.get("rationale") or ""),
        error="" if verdict else str(note.get("error") or f"no preference: {reason}"),
        review=Review.from_row(note.get("review")),
    )
    return under(label, who.get("setting"))


def _votes(notes: Mapping[str, Row]) -> tuple[dict[str, float], dict[str, float]]:
    """P(A better) of each principle, and those that had no vote."""
    votes: dict[str, float] = {}
    silent: dict[str, float] = {}
    for key, note in notes.items():
        given = probability(note, "p_a")
        p_a = HUMAN_P.get(verdict_of(note.get("pref")) or "") if given is None else given
        if p_a is not None:
            votes[key] = p_a
        elif note.get("no_pref_reason") == "not_applicable":
            away = probability(note, "not_applicable")
            silent[key] = 1.0 if away is None else away
    return votes, silent


def _of_principles(
    pair: Pair, known: _Annotators, votes: Mapping[str, Mapping[str, Row]]
) -> Iterator[Label]:
    """Principles that vote for no judge of this comparison are one of their own: the mean vote decides."""
    for notes in votes.values():
        ps, silent = _votes(notes)
        if ps:
            p_a = sum(ps.values()) / len(ps)
            verdict: Verdict = "tie" if p_a == 0.5 else "a" if p_a > 0.5 else "b"
            yield Label(
                *(pair, verdict, p_a),
                annotator=known.principles,
                votes=ps,
                not_applicable=silent,
                principles="each",
            )


def _dict(value: object) -> Row:
    return value if isinstance(value, dict) else {}


@dataclass
class _Cast:
    """Who has been written so far."""

    rows: dict[str, Row] = field(default_factory=lambda: {DEFAULT_ID: dict(_AGREED)})

    def id_of(self, label: Label) -> str:
        key = content_hash([label.kind, label.annotator, setting_of(label)])[:8]
        if key not in self.rows:
            row: Row = {"name": label.annotator, "description": _description(label)}
            row["type"] = _TYPES[label.kind]
            if label.kind == "judge":
                row["setting"] = setting_row(label)
            self.rows[key] = row
        return key

    def principle(self, name: str, judge: str) -> str:
        key = content_hash([name, judge])[:8]
        self.rows.setdefault(
            key, {"name": name, "description": name, "type": "principle", "of": judge}
        )
        return key


def _description(label: Label) -> str:
    if label.kind != "judge":
        return label.annotator
    name = label.constitution.name if label.constitution else ""
    return ", ".join(
        part for part in (label.annotator, label.method, label.principles, name) if part
    )


def pieces(labels: Iterable[Label], *, made: str, name: str = "Ratify") -> Iterator[str]:
    """The document, a comparison at a time; the labels of a pair follow each other.

    Args:
        made: when, in UTC, ISO 8601.
    """
    cast = _Cast()
    yield '{"comparisons": ['
    for n, (_, group) in enumerate(groupby(labels, key=lambda label: label.pair.id)):
        yield (",\n" if n else "\n") + _json(_comparison(list(group), cast))
    metadata = {
        "version": VERSION,
        "description": "Labels from Ratify",
        "created_at": made,
        "dataset_name": name,
        "default_annotator": DEFAULT_ID,
    }
    yield f'\n],\n"annotators": {_json(cast.rows)},\n"metadata": {_json(metadata)}}}\n'


def _json(value: object) -> str:
    """In the order in which it was said: the newest last."""
    return json.dumps(value, ensure_ascii=False)


def _comparison(labels: list[Label], cast: _Cast) -> Row:
    pair = labels[0].pair
    notes: Row = {DEFAULT_ID: {"pref": _agreed(labels)}}
    for label in labels:
        judge = cast.id_of(label)
        notes[judge] = _note(label)
        for key, p_a in label.votes.items():
            notes[cast.principle(key, judge)] = {"pref": _pref(p_a), "p_a": p_a}
        for key, away in label.not_applicable.items():
            note = {"pref": None, "no_pref_reason": "not_applicable", "not_applicable": away}
            notes[cast.principle(key, judge)] = note
    row: Row = {"id": pair.id, "prompt": "\n\n".join(turn.content for turn in pair.prompt)}
    if len(pair.prompt) > 1 or pair.prompt[0] != user(row["prompt"]):
        row["messages"] = chat_row(pair.prompt)
    row |= {"response_a": {"text": pair.response_a}, "response_b": {"text": pair.response_b}}
    return row | {"annotations": notes}


def _agreed(labels: list[Label]) -> str | None:
    """The side that people agree on; where none spoke, that of the newest judgement."""
    people = {label.verdict for label in labels if label.kind == "person"} - {"skip", None}
    judges = [label.verdict for label in labels if label.kind == "judge"]
    said = people or set(judges[-1:])
    verdict = said.pop() if len(said) == 1 else None
    return verdict if verdict in ("a", "b") else None


def _note(label: Label) -> Row:
    sided = label.verdict in ("a", "b")
    note: Row = {"pref": label.verdict if sided else None}
    if not sided:
        note["no_pref_reason"] = label.verdict or "invalid"
    if label.kind == "judge" and label.p_a is not None:
        note["p_a"] = label.p_a
    said = {"error": label.error, "rationale": label.rationale}
    note |= {name: text for name, text in said.items() if text}
    return note | ({"review": label.review.to_row()} if label.review else {})


def _pref(p_a: float) -> str | None:
    return None if p_a == 0.5 else "a" if p_a > 0.5 else "b"
