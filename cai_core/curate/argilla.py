"""Records of Argilla 2: as `records.to_json` and `to_list` nest them, and flat as in its datasets.

    {id, fields: {prompt, response_a, response_b}, responses: {verdict: [{value, user_id}]},
     suggestions: {verdict: {value, score, agent}}, metadata, ...}
    {id, prompt, response_a, response_b, "verdict.responses": [...], "verdict.responses.users": [...],
     "verdict.responses.status": [...], "verdict.suggestion": ..., "verdict.suggestion.agent": ...}

Responses are people's verdicts, the suggestion is a judge's. The names of fields and of the question
are the annotation project's own; they are found by what they hold.
"""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from cai_core.curate.label_json import complete, setting_row, under, verdict_of
from cai_core.errors import DataError
from cai_core.schema import Label, Pair, Row, Verdict, chat_row
from cai_core.schema.fields import as_object, canonical_json

QUESTION = "verdict"
_SETTING = "judge_setting"  # in the metadata
_PROMPTS = ("prompt", "messages", "instruction", "question", "input", "chat", "context")
_SIDES = re.compile(r"(?i)^(.*?)[ _-]?([ab12])$")
_FLAT = re.compile(r"^(.+)\.(responses|suggestion)$")
_OURS = uuid.UUID("6f5a36ba-3f2c-5b4e-9a39-5e2b8d0f7c11")  # namespace of the user ids that we make


def is_record(row: Mapping[str, Any]) -> bool:
    """Whether this row is a record of Argilla, nested or flat."""
    nested = isinstance(row.get("fields"), dict) and ("responses" in row or "suggestions" in row)
    return nested or any(_FLAT.match(column) for column in row)


@dataclass(frozen=True)
class _Response:
    value: object
    user: str
    status: str


@dataclass(frozen=True)
class _Asked:
    """What was answered to one question."""

    responses: Sequence[_Response]
    suggestion: Row

    @property
    def values(self) -> list[object]:
        said = [response.value for response in self.responses if response.value is not None]
        return said + (
            [self.suggestion["value"]] if self.suggestion.get("value") is not None else []
        )


def labels_in(value: object, *, annotator: str) -> tuple[Label, ...]:
    """The verdicts of one record: none where nobody answered.

    Raises:
        DataError: no prompt, no two answers, or no question whose answers are verdicts.
    """
    record = as_object(value)
    nested = isinstance(record.get("fields"), dict)
    questions = _nested(record) if nested else _flat(record)
    asked = {name: found for name, found in questions.items() if found.values or found.responses}
    if not asked:
        return ()
    pair = _pair(record["fields"] if nested else record, record.get("id"))
    names = _names(record)
    found = asked[_question(asked)]
    labels = [
        _of_person(pair, response, names.get(response.user, response.user), annotator)
        for response in found.responses
        if response.status != "draft"
    ]
    judged = _of_judge(pair, found.suggestion, _metadata(record).get(_SETTING))
    return tuple(label for label in (*labels, judged) if label)


def _nested(record: Row) -> dict[str, _Asked]:
    responses, suggestions = (record.get(k) or {} for k in ("responses", "suggestions"))
    if not isinstance(responses, dict) or not isinstance(suggestions, dict):
        raise DataError(
            "'responses' and 'suggestions' must be objects with a field for each question"
        )
    return {
        name: _Asked(
            [_response(given) for given in responses.get(name) or ()],
            as_object(suggestions.get(name) or {}),
        )
        for name in dict.fromkeys((*responses, *suggestions))
    }


def _response(given: object) -> _Response:
    row = as_object(given)
    return _Response(row.get("value"), str(row.get("user_id") or ""), str(row.get("status") or ""))


def _flat(record: Row) -> dict[str, _Asked]:
    names = dict.fromkeys(m[1] for m in map(_FLAT.match, record) if m)
    return {name: _flat_asked(record, name) for name in names}


def _flat_asked(record: Row, name: str) -> _Asked:
    values, users, states = (
        record.get(f"{name}.{column}") or []
        for column in ("responses", "responses.users", "responses.status")
    )
    if not all(isinstance(column, list) for column in (values, users, states)):
        raise DataError(f"'{name}.responses' must be a list", column=f"{name}.responses")
    responses = [
        _Response(value, str(_at(users, n) or ""), str(_at(states, n) or ""))
        for n, value in enumerate(values)
    ]
    of = {"value": "", "score": ".score", "agent": ".agent"}
    return _Asked(
        responses, {key: record.get(f"{name}.suggestion{end}") for key, end in of.items()}
    )


def _at(values: list[Any], n: int) -> Any:
    return values[n] if n < len(values) else None


def _question(asked: Mapping[str, _Asked]) -> str:
    """The question that was answered by nothing but verdicts; ours first."""
    fitting = [name for name, found in asked.items() if all(_said(value) for value in found.values)]
    if QUESTION in fitting or len(fitting) == 1:
        return QUESTION if QUESTION in fitting else fitting[0]
    if fitting:
        raise DataError(
            f"several questions were answered by verdicts ({', '.join(fitting)}); keep one of them, or"
            f" name it '{QUESTION}'"
        )
    raise DataError(
        f"no question was answered by a, b, tie, bad or skip, nor by a ranking of two answers"
        f" ({', '.join(asked)})"
    )


def _said(value: object) -> Verdict | None:
    """A label, or a ranking of the two answers: texts, the best first, or {value, rank}."""
    if not isinstance(value, list):
        return verdict_of(value)
    ranked = [(_ranked(item, n), item) for n, item in enumerate(value, start=1)]
    sides = {
        verdict_of(item.get("value") if isinstance(item, dict) else item): rank
        for rank, item in ranked
    }
    if set(sides) != {"a", "b"}:
        return None
    return "tie" if sides["a"] == sides["b"] else "a" if sides["a"] < sides["b"] else "b"


def _ranked(item: object, place: int) -> float:
    rank = item.get("rank") if isinstance(item, dict) else None
    return rank if isinstance(rank, int | float) else place


def _pair(fields: Row, record_id: object) -> Pair:
    prompt = next((fields[name] for name in _PROMPTS if fields.get(name)), None)
    if prompt is None:
        raise DataError(f"no prompt: a field {', '.join(_PROMPTS)} is looked for", column="prompt")
    a, b = _answers(fields)
    row: Row = {"id": record_id, "prompt": prompt, "response_a": fields[a], "response_b": fields[b]}
    return Pair.from_row(row)


def _answers(fields: Row) -> tuple[str, str]:
    """The names of the two fields that differ in a and b, or 1 and 2, at their end."""
    stems: dict[str, dict[str, str]] = {}
    for name, value in fields.items():
        found = _SIDES.match(name)
        if found and isinstance(value, str):
            side = {"1": "a", "2": "b"}.get(found[2], found[2].lower())
            stems.setdefault(found[1].lower(), {})[side] = name
    whole = [sides for sides in stems.values() if len(sides) == 2]
    if len(whole) != 1:
        raise DataError("two fields like response_a and response_b are needed", column="response_a")
    return whole[0]["a"], whole[0]["b"]


def _names(record: Row) -> dict[str, str]:
    """User ids that we made from names, with their names."""
    people = _metadata(record).get("people")
    found = people if isinstance(people, list) else []
    return {user_id(name): name for name in found if isinstance(name, str)}


def _metadata(record: Row) -> Row:
    """In a flat record it stands among the columns."""
    found = record.get("metadata")
    return found if isinstance(found, dict) else record


def _of_person(pair: Pair, response: _Response, name: str, annotator: str) -> Label | None:
    verdict = "skip" if response.status == "discarded" else _said(response.value)
    if verdict is None:
        return None
    return complete(Label(pair, verdict, None, kind="person", annotator=name), annotator)


def _of_judge(pair: Pair, suggestion: Row, setting: object) -> Label | None:
    """The score is taken for P(the suggested answer is better) where it can be one."""
    verdict = _said(suggestion.get("value"))
    if verdict is None:
        return None
    score = suggestion.get("score")
    p_a = None
    if isinstance(score, int | float) and 0.5 <= score <= 1 and verdict in ("a", "b"):
        p_a = float(score) if verdict == "a" else 1 - float(score)
    name = str(suggestion.get("agent") or "suggestion")
    label = Label(pair, verdict, p_a, annotator=name)
    return complete(under(label, _read(setting)), "suggestion")


def _read(setting: object) -> object:
    try:
        return json.loads(setting) if isinstance(setting, str) else None
    except (ValueError, RecursionError):
        return None


def user_id(name: str) -> str:
    """The id that a name has in every file that we write: Argilla takes UUIDs only."""
    return str(uuid.uuid5(_OURS, name))


def pieces(labels: Iterable[Label]) -> Iterator[str]:
    """A JSON list of records, one a pair; the labels of a pair follow each other, the newest last.

    A record has one suggestion: the last judgement with a verdict.
    """
    yield "["
    for n, (_, group) in enumerate(groupby(labels, key=lambda label: label.pair.id)):
        yield (",\n" if n else "\n") + canonical_json(_record(list(group)))
    yield "\n]\n"


def _record(labels: Sequence[Label]) -> Row:
    pair = labels[0].pair
    people = {label.annotator: label for label in labels if label.kind == "person"}
    judged = [label for label in labels if label.kind == "judge" and label.verdict]
    responses = [
        {"value": label.verdict, "user_id": user_id(name)} for name, label in people.items()
    ]
    return {
        "id": pair.id,
        "fields": {
            "prompt": chat_row(pair.prompt),
            "response_a": pair.response_a,
            "response_b": pair.response_b,
        },
        "metadata": _said_beside(people, judged),
        "suggestions": {QUESTION: _suggestion(judged[-1])} if judged else {},
        "responses": {QUESTION: responses} if responses else {},
        "vectors": {},
        "status": "completed" if people else "pending",
        "_server_id": None,
    }


def _said_beside(people: Iterable[str], judged: Sequence[Label]) -> Row:
    """Names behind user ids, and the setting of the judge: metadata holds texts and lists of them."""
    row: Row = {"people": list(people)} if people else {}
    return row | ({_SETTING: canonical_json(setting_row(judged[-1]))} if judged else {})


def _suggestion(label: Label) -> Row:
    p_a = label.p_a if label.verdict in ("a", "b") else None
    score = 1 - p_a if p_a is not None and label.verdict == "b" else p_a
    return {"value": label.verdict, "score": score, "agent": label.annotator}
