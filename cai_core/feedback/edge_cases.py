"""Prompts at the edge of a constitution, written by a model: where principles collide or hardly apply.

Every prompt that is wanted is a slot: a kind and its principles. The slots of a batch are asked
together; what gives nothing usable is asked again with another seed, other examples and another
beginning, a stated number of times. No attempt is lost silently: each that failed has its reason.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from cai_core.errors import ModelError
from cai_core.feedback import edge_reply
from cai_core.feedback.batch import QUIET, Tally, batches, generate_each
from cai_core.feedback.edge_reply import FAILED, MOST_WORDS, NEAR, Reading, Shown, read_reply
from cai_core.feedback.edge_slots import EdgeSettings, Slot
from cai_core.feedback.edge_wording import (
    Request,
    Worked,
    request_chat,
    request_text,
    wording,
    worked,
)
from cai_core.models.protocol import Model
from cai_core.schema import (
    Completion,
    ConstitutionRef,
    Hooks,
    Prompt,
    Row,
    first_user_turn,
)
from cai_core.text import split_of

BATCH = 16  # slots: minutes on a laptop, and what is stopped is begun anew
SOURCE = "generated"

_SHOWN = ((3, 4), (2, 2), (1, 0))  # worked examples and seed prompts, fewer in a small window
_NEXT_SEED = 1000  # from try to try


@dataclass(frozen=True)
class Material:
    """What the stage is given beside a model.

    Args:
        seeds: prompts of people; a few are shown, those first that share a tag with what is asked.
        is_new: whether a text is no near-duplicate of what is there; a new one is there from then on.
        ref: the constitution that the principles are of.
    """

    seeds: tuple[Prompt, ...]
    is_new: Callable[[str], bool]
    ref: ConstitutionRef


@dataclass(frozen=True)
class EdgeCase:
    """What came of a slot: a prompt, or none; and why each attempt before gave nothing."""

    slot: Slot
    prompt: Prompt | None = None
    refused: tuple[str, ...] = ()
    error: str = ""

    def to_row(self) -> Row:
        """A prompt's row, or one with `error`; both name the slot."""
        if self.prompt:
            return self.prompt.to_row()
        row: Row = {"slot": self.slot.id, **_lineage(self.slot)}
        return row | {"refused": edge_reply.counted(self.refused), "error": self.error}


@dataclass
class _Work:
    """A slot on its way."""

    slot: Slot
    prompt: Prompt | None = None
    refused: list[str] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True)
class _Desk:
    """Who writes, and with what."""

    model: Model
    settings: EdgeSettings
    material: Material
    hooks: Hooks


def write_edge_cases(
    wanted: Sequence[Slot],
    model: Model,
    *,
    settings: EdgeSettings,
    material: Material,
    hooks: Hooks = QUIET,
) -> Iterator[EdgeCase]:
    """Fill slots; they come in their order, a batch at a time.

    Raises:
        Stopped: it was asked for. ModelError: many slots in a row failed for one same reason of
            the model's (not those whose text was of no use).
    """
    desk = _Desk(model, settings, material, hooks)
    count = Tally(len(wanted), hooks, [model])
    for some in batches(wanted, BATCH, hooks):
        for work in _fill(desk, some):
            yield EdgeCase(work.slot, work.prompt, tuple(work.refused), work.error)
            count.finished(work.error)


def _fill(desk: _Desk, some: Sequence[Slot]) -> list[_Work]:
    batch = [_Work(slot) for slot in some]
    for turn in range(desk.settings.tries):
        live = [work for work in batch if work.prompt is None]
        if live:
            _try(desk, live, turn)
    for work in batch:
        if work.prompt is None and work.refused[-1] != FAILED:
            said = ", ".join(f"{name} {n}" for name, n in Counter(work.refused).most_common())
            work.error = f"nothing usable for {work.slot.id} in {len(work.refused)} tries: {said}"
    return batch


def _try(desk: _Desk, live: Sequence[_Work], turn: int) -> None:
    sampling = desk.settings.sampling
    sampling = replace(sampling, seed=sampling.seed + _NEXT_SEED * turn)
    asked = [_request(desk, work.slot, turn) for work in live]
    chats = [request_chat(request) for request, _ in asked]
    replies = generate_each(desk.model, chats, sampling, desk.hooks)
    for work, (request, ids), reply in zip(live, asked, replies, strict=True):
        reading = _read(desk, request, reply)
        if reading.refused:
            work.refused.append(reading.refused)
            work.error = str(reply) if isinstance(reply, ModelError) else ""
            continue
        lineage = _lineage(work.slot) | {
            "model": desk.model.id,
            "sampling": vars(sampling).copy(),
            "seed": sampling.seed,
            "template": wording().version,
            "from": ids,
            "constitution": desk.material.ref.to_row(),
            "refused": edge_reply.counted(work.refused),
        }
        work.prompt, work.error = _prompt(work.slot, reading.text, lineage), ""


def _read(desk: _Desk, request: Request, reply: Completion | ModelError) -> Reading:
    if isinstance(reply, ModelError):
        return Reading(refused=FAILED)
    prompts = (*request.seeds, *(example.prompt for example in request.examples))
    shown = Shown(request_text(request), request.opening, prompts)
    reading = read_reply(reply.text, shown, finished=reply.finished)
    if reading.text and not desk.material.is_new(reading.text):
        return Reading(refused=NEAR)
    return reading


def _prompt(slot: Slot, text: str, lineage: Row) -> Prompt:
    tags = (slot.kind, *(principle.key for principle in slot.principles))
    extra = {"slot": slot.id} | lineage
    return Prompt.of(text, tags=tags, source=SOURCE, split=split_of(text), extra=extra)


def _lineage(slot: Slot) -> Row:
    return {"kind": slot.kind, "principles": [principle.key for principle in slot.principles]}


# -- what is shown


def _request(desk: _Desk, slot: Slot, turn: int) -> tuple[Request, list[str]]:
    """The request of a slot's try, and the ids of the seeds in it; fewer where the window is small."""
    chance = Random(f"{desk.settings.sampling.seed} {slot.id} {turn}")
    opening = chance.choice(wording().kinds[slot.kind].openings)
    examples = [one for one in worked() if one.kind == slot.kind]
    chance.shuffle(examples)
    seeds = _fitting(desk.material.seeds, slot, chance)
    room = desk.model.context - desk.settings.sampling.max_new_tokens
    for few, some in _SHOWN:
        request = _showing(slot, opening, examples[:few], seeds[:some])
        if desk.model.count_tokens(request_chat(request)) <= room:
            break
    return request, [prompt.id for prompt in seeds[:some]]


def _showing(
    slot: Slot, opening: str, examples: Sequence[Worked], seeds: Sequence[Prompt]
) -> Request:
    texts = tuple(first_user_turn(prompt.messages) for prompt in seeds)
    return Request(slot.kind, slot.principles, texts, tuple(examples), opening)


def _fitting(seeds: Sequence[Prompt], slot: Slot, chance: Random) -> list[Prompt]:
    """Short seeds in a drawn order, those first that share a tag with the slot."""
    wanted = (
        {slot.kind}
        | {p.key for p in slot.principles}
        | {t for p in slot.principles for t in p.tags}
    )
    short = [one for one in seeds if len(first_user_turn(one.messages).split()) <= MOST_WORDS]
    chance.shuffle(short)
    return sorted(short, key=lambda prompt: not wanted.intersection(prompt.tags))
