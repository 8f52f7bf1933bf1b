"""Everybody who judges under one setting: one judge, or a panel whose labels become one.

The judges see the same questions in the same orders. A pair that one of them cannot judge gets its
label from the others, with the reason kept; a judge that fails on many pairs in a row is not asked
again. Several local judges are not held in memory at once: they take their turns on a block.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from cai_core.errors import ModelError
from cai_core.feedback import judge as judging
from cai_core.feedback.ballots import combined
from cai_core.feedback.batch import QUIET, Items, Tally, batches
from cai_core.feedback.comparison import Wording
from cai_core.feedback.examples import Worked, shipped_comparisons
from cai_core.feedback.judge import Judged
from cai_core.models.protocol import Model
from cai_core.schema import (
    Constitution,
    ConstitutionRef,
    Hooks,
    Label,
    Pair,
    Progress,
    Usage,
)
from cai_core.settings import JudgeSetting

BLOCK = 16  # pairs that every judge of a panel has read before the next ones come
# With several local judges each is loaded anew for a block: 256 pairs are thousands of questions,
# minutes of judging against seconds of loading.
LOCAL_BLOCK = 256


@dataclass(frozen=True)
class Heard:
    """The label of all judges, and what each of them said and saw, in the order of the setting."""

    label: Label
    judged: tuple[Judged, ...]


@dataclass
class _Seat:
    """One judge of a panel; `gone` says why it is not asked any more."""

    id: str
    load: Callable[[str], Model]
    gone: str = ""
    failures: Tally = field(default_factory=lambda: Tally(0, QUIET))
    _model: Model | None = None
    _spent: Usage = field(default_factory=Usage)

    @property
    def model(self) -> Model:
        if self._model is None:
            self._model = self.load(self.id)
            self._before = replace(self._model.usage)
        return self._model

    @property
    def usage(self) -> Usage:
        """What it was asked here: the model may have been asked by others before."""
        if self._model is None:
            return self._spent
        return self._spent + self._model.usage.since(self._before)

    def release(self) -> None:
        """Let go of the model; the next question loads it again."""
        self._spent, self._model = self.usage, None
        gc.collect()

    def note(self, error: str) -> None:
        """Count one pair; with the last of many that failed alike it is given up."""
        try:
            self.failures.finished(error)
        except ModelError as given_up:
            self.gone = str(given_up)


class Panel:
    """Judges pairs with every judge of a setting.

    Args:
        load: the model of an id. It is called when that judge's turn comes, and again for every
            block where several judges are local.
        examples: what the setting's number of worked comparisons is taken from; those that ship
            unless told.
    """

    def __init__(
        self,
        constitution: Constitution,
        setting: JudgeSetting,
        load: Callable[[str], Model],
        *,
        ref: ConstitutionRef | None = None,
        seed: int = 0,
        examples: Sequence[Worked] | None = None,
    ) -> None:
        self.constitution = constitution
        self.setting = setting
        self.ref = ref or ConstitutionRef.of(constitution)
        self.seed = seed
        self.examples = shipped_comparisons() if examples is None else examples
        self._seats = [_Seat(judge, load) for judge in setting.judges]
        local = [seat for seat in self._seats if not seat.id.startswith("endpoint:")]
        self._take_turns = len(local) > 1

    @property
    def usage(self) -> Usage:
        """What all judges were asked so far."""
        return sum((seat.usage for seat in self._seats), Usage())

    def judge(self, pairs: Items[Pair], *, hooks: Hooks = QUIET) -> Iterator[Label]:
        """One label a pair, in order; of a panel the combined one, see `ballots.combined`.

        Raises:
            ConstitutionError: it cannot be used. Stopped: as asked. ModelError: a judge cannot be
                loaded, or many pairs in a row got no verdict for one same reason.
        """
        if len(self._seats) == 1:
            yield from self._judged_by(self._seats[0], pairs, hooks)
            return
        count, began = Tally(len(pairs), hooks, self._seats), self.usage
        for block in batches(pairs, LOCAL_BLOCK if self._take_turns else BLOCK, hooks):
            said = [
                self._block(seat, block, self._telling(hooks, count, place, began=began))
                for place, seat in enumerate(self._seats)
            ]
            for labels in zip(*said, strict=True):
                label = self._stamped(combined(labels, self.setting))
                yield label
                count.finished(label.error)

    def judge_one(self, pair: Pair, *, hooks: Hooks = QUIET) -> Heard:
        """Judge one pair and keep all that the judges saw."""
        found = tuple(self._one(seat, pair, hooks) for seat in self._seats)
        if len(found) == 1:
            return Heard(found[0].label, found)
        label = combined([judged.label for judged in found], self.setting)
        return Heard(self._stamped(label), found)

    @property
    def _under(self) -> dict[str, Any]:
        return {"ref": self.ref, "seed": self.seed, "examples": self.examples}

    def _one(self, seat: _Seat, pair: Pair, hooks: Hooks) -> Judged:
        how = (self.constitution, seat.model, self.setting)
        judged = judging.judge_one(pair, *how, **self._under, hooks=hooks)
        if self._take_turns:
            seat.release()
        return judged

    def _judged_by(self, seat: _Seat, pairs: Items[Pair], hooks: Hooks) -> Iterator[Label]:
        how = (self.constitution, seat.model, self.setting)
        return judging.judge(pairs, *how, **self._under, hooks=hooks)

    def _block(self, seat: _Seat, pairs: Sequence[Pair], hooks: Hooks) -> list[Label]:
        """What one judge says of a block; reasons only, once it is given up."""
        made: list[Label] = []
        if not seat.gone:
            labels = self._judged_by(seat, pairs, hooks)
            try:
                for label in labels:
                    made.append(label)
                    seat.note(label.error)
                    if seat.gone:
                        break
            except ModelError as given_up:
                seat.gone = str(given_up)
            if self._take_turns:
                seat.release()
        missing = (Label(pair, None, None, annotator=seat.id, error=seat.gone) for pair in pairs)
        return [*made, *islice(missing, len(made), None)]

    def _stamped(self, label: Label) -> Label:
        """A panel's label with everything that it was made under."""
        return replace(
            label,
            annotator=self.setting.annotator,
            method=self.setting.method,
            principles=self.setting.principles,
            template=Wording.of(self.setting, self.examples).name,
            constitution=self.ref,
            seed=self.seed,
        )

    def _telling(self, hooks: Hooks, count: Tally, place: int, *, began: Usage) -> Hooks:
        """Progress while the judge at `place` reads a block: a pair is worth its share of judges."""

        def tell(now: Progress) -> None:
            used = self.usage.since(began)
            done = count.progress.done + (place * now.total + now.done) // len(self._seats)
            told = replace(count.progress, done=done, asked=used.asked, cached=used.cached)
            hooks.progress(told)

        return replace(hooks, progress=tell)
