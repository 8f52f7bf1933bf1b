"""The first batch of a training as the model sees it: its text in pieces, and what the loss counts.

Token ids are read from the tensors that go into the model, not from the rows they were made of; so
a template that eats a turn, a cut answer or a wrong mask can be seen. Tensors come in as they are;
torch is not imported here.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from cai_core.schema import Row
from cai_core.train.watch.records import Watch

ROWS = 8  # shown of a batch


class ShowsFirstBatch:
    """Put before a transformers Trainer: tells `OUT/watch` what `first_batch` says of the first inputs."""

    def first_batch(self, inputs: Any) -> Sequence[Row]:
        raise NotImplementedError

    def training_step(self, model: Any, inputs: Any, *more: Any, **named: Any) -> Any:
        tell(self, lambda: self.first_batch(inputs))
        step: Any = getattr(super(), "training_step")  # noqa: B009 (the Trainer's)
        return step(model, inputs, *more, **named)


def tell(trainer: Any, rows: Callable[[], Sequence[Row]]) -> None:
    """Write the first batch, once in the life of a run, resumed or not."""
    if trainer.state.global_step or not trainer.is_world_process_zero():
        return
    watch = Watch.of_checkpoints(trainer.args.output_dir)
    if watch.read("first_batch") is None:
        watch.write("first_batch", {"rows": list(rows())})


def of_labels(tokenizer: Any, inputs: Any) -> list[Row]:
    """Rows of SFT: the loss counts where a label is not -100. Packed rows are told one by one."""
    if "position_ids" in inputs and "attention_mask" not in inputs:
        ids, labels = inputs["input_ids"][0].tolist(), inputs["labels"][0].tolist()
        starts = [i for i, at in enumerate(inputs["position_ids"][0].tolist()) if at == 0]
        parts = [slice(a, b) for a, b in zip(starts, [*starts[1:], len(ids)], strict=True)]
        rows = [(ids[part], labels[part], 0) for part in parts[:ROWS]]
    else:
        rows = [
            _unpadded(ids, labels, seen)
            for ids, labels, seen in _lists(inputs, "input_ids", "labels", "attention_mask")
        ]
    return [
        row(tokenizer, ids, [label != -100 for label in labels], padding=padding)
        for ids, labels, padding in rows
    ]


def of_completions(tokenizer: Any, inputs: Any) -> list[Row]:
    """Pairs of DPO, chosen ones first: the loss counts the answers."""
    both = _lists(inputs, "input_ids", "completion_mask", "attention_mask", limit=None)
    made = []
    for side, (ids, counted, seen) in _sides(both):
        kept, mask, padding = _unpadded(ids, counted, seen)
        made.append(row(tokenizer, kept, [bool(m) for m in mask], padding=padding, side=side))
    return made


def of_scored(tokenizer: Any, inputs: Any) -> list[Row]:
    """Pairs of a reward model, chosen ones first: all is read, and the last token gives the score."""
    names = [f"p = {p:.2f}" for p in _floats(inputs.get("p_chosen"))]
    made = []
    both = _lists(inputs, "input_ids", "attention_mask", limit=None)
    for place, (side, (ids, seen)) in enumerate(_sides(both)):
        kept, _, padding = _unpadded(ids, seen, seen)
        last = [False] * (len(kept) - 1) + [True]
        said = f"{side}, {names[place // 2]}" if place // 2 < len(names) else side
        made.append(row(tokenizer, kept, last, padding=padding, side=f"{said}, scored at its end"))
    return made


def of_answers(tokenizer: Any, prompts: tuple[Any, Any], answers: tuple[Any, Any]) -> list[Row]:
    """Sampled answers of PPO, RLOO, GRPO: ids and mask of the prompts (B, Q) and of the answers (B, T).

    Prompts are padded on the left. What the mask leaves out after an answer is told as padding.
    """
    made = []
    for prompt, seen, answer, mask in zip(
        *(tensor[:ROWS].tolist() for tensor in (*prompts, *answers)), strict=True
    ):
        asked = [one for one, here in zip(prompt, seen, strict=True) if here]
        said = [one for one, here in zip(answer, mask, strict=True) if here]
        learned = [False] * len(asked) + [True] * len(said)
        padding = len(prompt) - len(asked) + len(answer) - len(said)
        made.append(row(tokenizer, asked + said, learned, padding=padding))
    return made


def row(
    tokenizer: Any, ids: Sequence[int], learned: Sequence[bool], *, padding: int = 0, side: str = ""
) -> Row:
    """One row for `first_batch.json`; neighbouring tokens of one kind are one piece."""
    pieces = []
    for counted, group in groupby(zip(ids, learned, strict=True), key=lambda pair: pair[1]):
        text = tokenizer.decode([one for one, _ in group], skip_special_tokens=False)
        pieces.append([text, counted])
    made: Row = {"side": side, "pieces": pieces, "tokens": len(ids)}
    return made | {"learned_tokens": sum(learned), "padding": padding}


def _lists(inputs: Any, *names: str, limit: int | None = ROWS) -> list[tuple[list[int], ...]]:
    return list(zip(*(inputs[name][:limit].tolist() for name in names), strict=True))


def _sides(both: list[Any]) -> Iterable[tuple[str, Any]]:
    """A batch of pairs, whose second half is the rejected answers, pair by pair."""
    half = len(both) // 2
    for chosen, rejected in list(zip(both[:half], both[half:], strict=True))[: ROWS // 2]:
        yield from (("chosen", chosen), ("rejected", rejected))


def _unpadded(
    ids: list[int], marks: list[int], seen: list[int]
) -> tuple[list[int], list[int], int]:
    kept = [place for place, here in enumerate(seen) if here]
    return [ids[i] for i in kept], [marks[i] for i in kept], len(ids) - len(kept)


def _floats(tensor: Any) -> list[float]:
    return [] if tensor is None else [float(value) for value in tensor.tolist()]
