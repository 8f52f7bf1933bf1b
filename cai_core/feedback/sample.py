"""Two different answers to every prompt, sampled from one model, to be judged against each other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cai_core.errors import ModelError
from cai_core.feedback.batch import Items, Tally, batch_size, batches, generate_each
from cai_core.models.protocol import Model
from cai_core.schema import (
    Completion,
    Hooks,
    Pair,
    Prompt,
    Row,
    Sampling,
    chat_row,
    content_hash,
)
from cai_core.text import normalise, similarity

BATCH = 64  # prompts: one answer to each fills a batch of a local model
TRIES = 3  # draws of a second answer that is too like the first, before the prompt is left out
# Share of equal words from which two answers are one: at 0.9 one word in ten differs, a synonym or a
# closing phrase, and no judgement of it teaches anything. Of the 64 shipped pairs, sampled from the
# built-in model at temperature 0.8, the two most alike have 0.29.
NEAR = 0.9
_RETRY_SEED = 1000  # far from the seeds of the two answers
QUIET = Hooks()
SAME = "both answers are the same; sample at a higher temperature"
ALIKE = "both answers are nearly the same; sample at a higher temperature"
EMPTY = "an answer is empty"
TWICE = "this prompt stands in the file before, under another id; its pair is there"

_Answer = Completion | ModelError


def sample_pairs(
    prompts: Items[Prompt], model: Model, sampling: Sampling, *, hooks: Hooks = QUIET
) -> Iterator[Pair]:
    """Answer every prompt twice, with the seeds `seed` and `seed + 1`.

    A second answer that is nearly the first is drawn again, up to TRIES times, with other seeds.

    Yields:
        One pair a prompt, in order; one that cannot be had carries its reason in `extra["error"]`.
        How it was sampled stands in `extra`, in full; `seeds` are those of the two answers.
    Raises:
        Stopped: as asked, between batches. ModelError: many prompts in a row failed alike.
    """
    count = Tally(len(prompts), hooks, [model])
    seen: set[str] = set()
    for some in batches(prompts, batch_size(model, BATCH), hooks):
        for pair in _pairs(some, model, sampling, hooks):
            conversation = content_hash(chat_row(pair.prompt))
            if conversation in seen:
                key, why = str(pair.extra["prompt_id"]), {**pair.extra, "error": TWICE}
                pair = Pair(key, pair.prompt, "", "", extra=why)
            seen.add(conversation)
            yield pair
            count.finished(str(pair.extra.get("error", "")))


def _pairs(
    prompts: Sequence[Prompt], model: Model, sampling: Sampling, hooks: Hooks
) -> Iterator[Pair]:
    chats = [prompt.messages for prompt in prompts]
    ones = generate_each(model, chats, sampling, hooks)
    others = generate_each(model, chats, _with_seed(sampling, 1), hooks)
    seeds = [sampling.seed + 1] * len(prompts)  # of the second answers
    for turn in range(TRIES):
        alike = [i for i in range(len(prompts)) if _too_like(ones[i], others[i])]
        again = _with_seed(sampling, _RETRY_SEED + turn)
        fresh = generate_each(model, [chats[i] for i in alike], again, hooks) if alike else []
        for i, answer in zip(alike, fresh, strict=True):
            others[i], seeds[i] = answer, again.seed
    for prompt, one, other, seed in zip(prompts, ones, others, seeds, strict=True):
        made: Row = {"model": model.id, "sampling": vars(sampling).copy()}
        yield _pair(prompt, one, other, made | {"seeds": [sampling.seed, seed]})


def _with_seed(sampling: Sampling, more: int) -> Sampling:
    return replace(sampling, seed=sampling.seed + more)


def _too_like(one: _Answer, other: _Answer) -> str:
    """Why these are no two answers; "" where they are."""
    if isinstance(one, ModelError) or isinstance(other, ModelError):
        return ""
    if one.text.strip() == other.text.strip():
        return SAME
    return ALIKE if similarity(normalise(one.text), normalise(other.text)) >= NEAR else ""


def _pair(prompt: Prompt, one: _Answer, other: _Answer, made: Row) -> Pair:
    made = {**made, "prompt_id": prompt.id, "tags": list(prompt.tags), "split": prompt.split}
    for answer in (one, other):
        if isinstance(answer, ModelError):
            return Pair(prompt.id, prompt.messages, "", "", extra=made | {"error": str(answer)})
    assert isinstance(one, Completion)
    assert isinstance(other, Completion)
    made["finished"] = [one.finished, other.finished]
    texts = (one.text.strip(), other.text.strip())
    if error := _too_like(one, other) or ("" if all(texts) else EMPTY):
        made["error"] = error
    return Pair.of(prompt.messages, *texts, extra=made)
