"""What must be asked to see what an edit changes, and no more.

A *side* says of which votes a judgement is made: (question, weight) pairs, combined as a judge does.
`each`: every voting principle is a question; those that both versions have are asked once, or not at
all where stored votes are at hand. `draw`: the touched principles are forced on every pair; where
one version has none of them, its own usual draw stands for it. `whole`: one question a version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cai_core.feedback.comparison import (
    comparison_question,
    template_named,
    template_names,
    whole_question,
)
from cai_core.feedback.draw import voters
from cai_core.impact.edit import Edit, Touched
from cai_core.impact.rewording import rewordings
from cai_core.schema import Constitution, Principle, content_hash
from cai_core.settings import JudgeSetting
from cai_core.stats import FloatArray, logit

Side = tuple[tuple[str, float], ...]  # (question id, weight)
MAIN, PLACEBOS = "main", "placebos"
PARAPHRASES = 5  # other templates under which the shift must have the same sign
REWORDED = 19  # placebos: with fewer a shift cannot be larger than 95% of them
_DRAWN_OLD, _DRAWN_NEW = "drawn-old", "drawn-new"


@dataclass(frozen=True)
class Part:
    """One pass over the pairs: questions by id under one template; `drawn` ones as that version draws.

    `sides` must each have a vote, or a pair has failed; without them any vote will do.
    """

    name: str
    template: str
    questions: Mapping[str, str]
    drawn: Mapping[str, Constitution]
    sides: tuple[Side, ...] = ()

    def missing(self, known: Mapping[str, float]) -> tuple[str, ...]:
        """The questions that have no stored vote."""
        return tuple(id for id in self.questions if id not in known)

    def rules(self, ids: Sequence[str]) -> Constitution:
        """Some of the questions as a constitution of which each votes."""
        asked = tuple(Principle(id, text=self.questions[id]) for id in ids)
        return Constitution(f"questions of {self.name}", asked)

    def decides(self, votes: Mapping[str, float]) -> bool:
        """Whether these votes are enough."""
        if not self.sides:
            return bool(votes)
        return all(any(id in votes for id, _ in side) for side in self.sides)


@dataclass(frozen=True)
class Plan:
    """Everything that is asked, and how both versions' judgements are made of it.

    `votes` has the question ids (old, new) of each touched principle that has a vote of its own;
    `placebos` are sides to be held against `base`.
    """

    old: Side
    new: Side
    texts: Mapping[str, str]
    votes: Mapping[str, tuple[str | None, str | None]]
    base: Side
    placebos: tuple[Side, ...]
    drawn: Mapping[str, Constitution]
    template: str

    def main(self) -> Part:
        """The comparison itself."""
        asked = [id for id, _ in (*self.old, *self.new)]
        return replace(self._part(MAIN, self.template, asked), sides=(self.old, self.new))

    def checks(self) -> tuple[Part, ...]:
        """What tells whether it is real: the same under other templates, and placebo edits.

        Only what the edit touches is asked under other templates; other votes stay as they are.
        """
        others = [name for name in template_names() if name != self.template][:PARAPHRASES]
        differing = [id for ids in self.votes.values() for id in ids if id]
        differing += [id for id, _ in (*_only(self.old, self.new), *_only(self.new, self.old))]
        parts = [self._part(name, name, differing) for name in others]
        placebos = [id for side in self.placebos for id, _ in _only(side, self.base)]
        return (*parts, self._part(PLACEBOS, self.template, placebos))

    def _part(self, name: str, template: str, ids: Sequence[str]) -> Part:
        asked = {id: self.texts[id] for id in ids if id in self.texts}
        drawn = {id: self.drawn[id] for id in ids if id in self.drawn}
        return Part(name, template, asked, drawn)


def _only(side: Side, other: Side) -> Side:
    """What stands in one side alone, weights aside."""
    there = {id for id, _ in other}
    return tuple(entry for entry in side if entry[0] not in there)


def question_id(text: str) -> str:
    return content_hash(text, digits=12)


def plan(edit: Edit, setting: JudgeSetting, *, placebos: int = REWORDED, seed: int = 0) -> Plan:
    """Plan the questions of a checked edit under the setting's way with principles."""
    makers = {"each": _each, "draw": _draw, "whole": _whole}
    return makers[setting.principles](edit, _Draft(setting, placebos, seed))


@dataclass
class _Draft:
    """A plan while it is made: texts gather by their ids."""

    setting: JudgeSetting
    placebos: int
    seed: int

    def __post_init__(self) -> None:
        self.texts: dict[str, str] = {}

    def id(self, text: str) -> str:
        found = question_id(text)
        self.texts[found] = text
        return found

    def side(self, principles: Sequence[Principle]) -> Side:
        return tuple((self.id(comparison_question(p)), p.weight) for p in principles)

    def reworded(self, one: Touched) -> list[str]:
        """Ids of a touched principle's placebos."""
        question = comparison_question(one.wording)
        made = rewordings(question, count=self.placebos, seed=self.seed)
        return [self.id(text) for text in made]

    def votes(self, edit: Edit) -> dict[str, tuple[str | None, str | None]]:
        return {one.key: (self._of(one.old), self._of(one.new)) for one in edit.touched}

    def _of(self, principle: Principle | None) -> str | None:
        return self.id(comparison_question(principle)) if principle else None

    def plan(self, old: Side, new: Side, **rest: object) -> Plan:
        template = template_named(self.setting.template).name
        given = {"votes": {}, "base": old, "placebos": (), "drawn": {}} | rest
        return Plan(old, new, self.texts, template=template, **given)  # type: ignore[arg-type]


def _each(edit: Edit, draft: _Draft) -> Plan:
    old, new = (draft.side(voters(version)) for version in (edit.old, edit.new))
    base = old if any(one.old for one in edit.touched) else new
    placebos = _swapped_sides(edit, draft, base)
    return draft.plan(old, new, votes=draft.votes(edit), base=base, placebos=placebos)


def _draw(edit: Edit, draft: _Draft) -> Plan:
    old = draft.side([one.old for one in edit.touched if one.old])
    new = draft.side([one.new for one in edit.touched if one.new])
    base = old or new
    placebos = _swapped_sides(edit, draft, base)
    drawn = {} if old else {_DRAWN_OLD: edit.old}
    drawn |= {} if new else {_DRAWN_NEW: edit.new}
    return draft.plan(
        old or ((_DRAWN_OLD, 1.0),),
        new or ((_DRAWN_NEW, 1.0),),
        votes=draft.votes(edit),
        base=base,
        placebos=placebos,
        drawn=drawn,
    )


def _swapped_sides(edit: Edit, draft: _Draft, base: Side) -> tuple[Side, ...]:
    """The base with every touched principle that stands in it reworded, once for each placebo."""
    made: dict[str, list[str]] = {}
    for one in edit.touched:
        id = question_id(comparison_question(one.wording))
        if any(id == there for there, _ in base):
            made[id] = draft.reworded(one)
    count = min((len(ids) for ids in made.values()), default=0)
    return tuple(
        tuple((made[id][turn] if id in made else id, weight) for id, weight in base)
        for turn in range(count)
    )


def _whole(edit: Edit, draft: _Draft) -> Plan:
    """Placebos: a touched principle in other words, and, every other one, another order too."""
    versions = [voters(version) for version in (edit.old, edit.new)]
    old, new = (((draft.id(whole_question(some)), 1.0),) for some in versions)
    from_old = any(one.old for one in edit.touched)
    principles = list(versions[0 if from_old else 1])
    touched = {(one.old or one.new).key for one in edit.touched if one.old or not from_old}  # type: ignore[union-attr]
    rng = np.random.default_rng(draft.seed)
    made: list[Side] = []
    texts = {p.key: _others(p, draft) for p in principles if p.key in touched}
    for turn in range(draft.placebos):
        some = [
            replace(p, text=texts[p.key][turn])
            if p.key in touched and turn < len(texts[p.key])
            else p
            for p in principles
        ]
        if turn % 2:
            some = [some[place] for place in rng.permutation(len(some))]
        made.append(((draft.id(whole_question(some)), 1.0),))
    return draft.plan(old, new, base=old if from_old else new, placebos=tuple(dict.fromkeys(made)))


def _others(principle: Principle, draft: _Draft) -> list[str]:
    return rewordings(comparison_question(principle), count=draft.placebos, seed=draft.seed)


def combined(side: Side, votes: Mapping[str, float]) -> float:
    """P(response_a is better) in log-odds: the weighted mean over the questions that have a vote.

    Returns:
        nan where no question has one; see `feedback.votes.tally`, which does the same.
    """
    there = [(weight, votes[id]) for id, weight in side if id in votes]
    if not there:
        return float("nan")
    weights = np.array([weight for weight, _ in there])
    odds: FloatArray = logit([p for _, p in there])
    return float(weights @ odds / weights.sum())
