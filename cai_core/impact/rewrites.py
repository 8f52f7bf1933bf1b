"""Both versions of a constitution revise the same first answers, with the same seed.

What a model draws depends on all that it reads, so two revisions differ by chance too, wherever the
requests do: what an edit does shows in means over prompts, with their intervals, not in one answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from cai_core.errors import DataError
from cai_core.evaluate.winrate import JudgePairs
from cai_core.feedback.batch import Counted, Tally
from cai_core.feedback.revise import ReviseSettings, revise
from cai_core.feedback.templates import WHOLE, whole_requests
from cai_core.impact.asking import growing
from cai_core.impact.blind import judged
from cai_core.impact.edit import Edit
from cai_core.impact.rewrite import Rewrite, Standard
from cai_core.models.protocol import Model
from cai_core.schema import Constitution, Hooks, Prompt, Revision, content_hash

QUIET = Hooks()
Way = Literal["forced", "by hash", "whole"]


@dataclass(frozen=True)
class Requested:
    """What both versions are asked with: the edited principle, one of several, or all at once."""

    way: Way
    keys: tuple[str, ...] = ()

    def principle(self, prompt_id: str) -> str:
        """Of a prompt: a key, or "whole"; of several the one that belongs to the prompt by hash."""
        if self.way == "whole":
            return WHOLE
        return self.keys[int(content_hash(["rewrite", prompt_id]), 16) % len(self.keys)]

    @property
    def sentence(self) -> str:
        """
        >>> Requested("forced", ("kind",)).sentence
        "the edited principle 'kind' was asked on every prompt"
        """
        if self.way == "forced":
            return f"the edited principle '{self.keys[0]}' was asked on every prompt"
        if self.way == "by hash":
            return f"one of the edited principles, by hash, was asked on each prompt: {', '.join(self.keys)}"
        return "the whole constitution was asked at once on every prompt"


def requested(edit: Edit, *, whole: bool = False) -> Requested:
    """How the edit is asked: where principles were only reworded, those alone.

    Raises:
        DataError: both versions would ask the same.
    """
    touched = edit.requests_touched
    wholes_differ = whole_requests(edit.old) != whole_requests(edit.new)
    if touched and not whole and all(one.kind == "reworded" for one in touched):
        keys = tuple(one.key for one in touched)
        return Requested("forced" if len(keys) == 1 else "by hash", keys)
    if not touched and not whole:
        hint = "; asked for the whole constitution at once they do differ" if wholes_differ else ""
        raise DataError(
            f"no critique or revision request differs between these two states of"
            f" '{edit.new.name}'{hint}; there is nothing to revise again"
        )
    if not wholes_differ:
        raise DataError(
            f"the whole constitution asked at once is the same in these two states of"
            f" '{edit.new.name}': there every enabled principle is asked by its text, or by its"
            " critique request where it has none"
        )
    return Requested("whole")


def standards(edit: Edit, principles: str) -> dict[Standard, Constitution]:
    """What a judge judges the two revisions by: each version, or both at once where they agree.

    Under "draw" the edited principle is what is asked, as for judgements; a version that has none of
    the edited ones draws as usual.
    """
    if not edit.touched:
        return {"both": edit.new}
    if principles != "draw":
        return {"old": edit.old, "new": edit.new}
    old = tuple(one.old for one in edit.touched if one.old)
    new = tuple(one.new for one in edit.touched if one.new)
    return {
        "old": replace(edit.old, principles=old) if old else edit.old,
        "new": replace(edit.new, principles=new) if new else edit.new,
    }


@dataclass(frozen=True)
class Desk:
    """Who revises and how, which first answers are there, and who judges by what.

    Args:
        settings: one round is made of them; the principle of each prompt is put in.
        initial: first answers by prompt id; others are written by the model, once for both versions.
        judges: by standard; none where nobody judges. counted: their questions.
    """

    edit: Edit
    requested: Requested
    model: Model
    settings: ReviseSettings = field(default_factory=ReviseSettings)
    initial: Mapping[str, str] = field(default_factory=dict)
    judges: Mapping[Standard, JudgePairs] = field(default_factory=dict)
    counted: Sequence[Counted] = ()


def first_answers(prompts: Sequence[Prompt]) -> dict[str, str]:
    """First answers that came with the prompts, in `initial` or `completion`, by prompt id.

    Raises:
        DataError: one is neither a text nor a list of one message.
    """
    found = {}
    for prompt in prompts:
        given = prompt.extra.get("initial") or prompt.extra.get("completion")
        if isinstance(given, list) and len(given) == 1 and isinstance(given[0], dict):
            given = given[0].get("content")
        if given is not None and not isinstance(given, str):
            raise DataError(
                f"the first answer of prompt '{prompt.id}' is no text", column="initial"
            )
        if given and given.strip():
            found[prompt.id] = given
    return found


def rewrites(prompts: Sequence[Prompt], desk: Desk, *, hooks: Hooks = QUIET) -> Iterator[Rewrite]:
    """Every prompt under both versions, in order; in growing blocks, so that the first come soon.

    Raises:
        Stopped: as asked. GaveUpError: many prompts in a row failed alike.
    """
    count = Tally(len(prompts), hooks, [desk.model, *desk.counted])
    silent = Hooks(should_stop=hooks.should_stop)
    for block in growing(prompts):
        made = _block(block, desk, silent)
        for one in judged(made, desk.judges) if desk.judges else made:
            yield one
            count.finished(
                "" if one.revisions else one.error
            )  # a mute judge costs its verdicts alone


def _block(prompts: Sequence[Prompt], desk: Desk, hooks: Hooks) -> list[Rewrite]:
    firsts = _answered(prompts, desk, hooks)
    initial = {id: row.initial for id, row in firsts.items() if not row.error}
    ready = [prompt for prompt in prompts if prompt.id in initial]
    old, new = (
        _revised(ready, version, desk, initial, hooks) for version in (desk.edit.old, desk.edit.new)
    )
    return [
        _rewrite(old[prompt.id], new[prompt.id])
        if prompt.id in initial
        else _rewrite(firsts[prompt.id], firsts[prompt.id])
        for prompt in prompts
    ]


def _answered(prompts: Sequence[Prompt], desk: Desk, hooks: Hooks) -> dict[str, Revision]:
    settings = replace(desk.settings, rounds=0)
    rows = revise(prompts, desk.edit.new, desk.model, settings, hooks=hooks, initial=desk.initial)
    return {row.id: row for row in rows}


def _revised(
    prompts: Sequence[Prompt],
    version: Constitution,
    desk: Desk,
    initial: Mapping[str, str],
    hooks: Hooks,
) -> dict[str, Revision]:
    """One round for each prompt, those of one principle together."""
    groups: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        groups.setdefault(desk.requested.principle(prompt.id), []).append(prompt)
    found: dict[str, Revision] = {}
    for key, some in groups.items():
        settings = replace(desk.settings, rounds=1, principle=key)
        rows = revise(some, version, desk.model, settings, hooks=hooks, initial=initial)
        found |= {row.id: row for row in rows}
    return found


def _rewrite(old: Revision, new: Revision) -> Rewrite:
    made, other = (row.rounds[0] if row.rounds else None for row in (old, new))
    return Rewrite(old.id, old.prompt, old.initial, made, other, error=old.error or new.error)
