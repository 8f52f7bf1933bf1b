"""Two different answers to every prompt, sampled from one model, to be judged against each other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cai_core.errors import ModelError
from cai_core.feedback.batch import Tally, batch_size, batches, generate_each
from cai_core.models.protocol import Model
from cai_core.schema import Chat, Completion, Hooks, Pair, Prompt, Row, Sampling

BATCH = 32  # prompts: two answers each fill a batch of 64 rows on a local model
TRIES = 3  # draws of a second answer that equals the first, before the prompt is left out
_RETRY_SEED = 1000  # far from the seeds of the two answers
QUIET = Hooks()
SAME = "both answers are the same; sample at a higher temperature"
EMPTY = "an answer is empty"
TWICE = "this prompt stands in the file before, under another id; its pair is there"


def sample_pairs(
    prompts: Sequence[Prompt], model: Model, sampling: Sampling, *, hooks: Hooks = QUIET
) -> Iterator[Pair]:
    """Answer every prompt twice, with the seeds `seed` and `seed + 1`.

    Yields:
        One pair a prompt, in order; one that cannot be had carries its reason in `extra["error"]`.
        How it was sampled stands in `extra`, in full.
    Raises:
        Stopped: as asked, between batches. ModelError: many prompts in a row failed alike.
    """
    count = Tally(len(prompts), hooks, [model])
    seen: set[Chat] = set()
    for some in batches(prompts, batch_size(model, BATCH), hooks):
        for pair in _pairs(some, model, sampling, hooks):
            if pair.prompt in seen:
                key, why = str(pair.extra["prompt_id"]), {**pair.extra, "error": TWICE}
                pair = Pair(key, pair.prompt, "", "", extra=why)
            seen.add(pair.prompt)
            yield pair
            count.finished(str(pair.extra.get("error", "")))


def _pairs(
    prompts: Sequence[Prompt], model: Model, sampling: Sampling, hooks: Hooks
) -> Iterator[Pair]:
    chats = [prompt.messages for prompt in prompts]
    ones = generate_each(model, chats, sampling, hooks)
    others = generate_each(model, chats, _with_seed(sampling, 1), hooks)
    for turn in range(TRIES):
        equal = [i for i in range(len(prompts)) if _same(ones[i], others[i])]
        again = _with_seed(sampling, _RETRY_SEED + turn)
        fresh = generate_each(model, [chats[i] for i in equal], again, hooks) if equal else []
        for i, answer in zip(equal, fresh, strict=True):
            others[i] = answer
    for prompt, one, other in zip(prompts, ones, others, strict=True):
        yield _pair(prompt, one, other, {"model": model.id, "sampling": vars(sampling).copy()})


def _with_seed(sampling: Sampling, more: int) -> Sampling:
    return replace(sampling, seed=sampling.seed + more)


def _same(one: Completion | ModelError, other: Completion | ModelError) -> bool:
    if isinstance(one, ModelError) or isinstance(other, ModelError):
        return False
    return one.text.strip() == other.text.strip()


def _pair(
    prompt: Prompt, one: Completion | ModelError, other: Completion | ModelError, made: Row
) -> Pair:
    made = {**made, "prompt_id": prompt.id, "tags": list(prompt.tags), "split": prompt.split}
    for answer in (one, other):
        if isinstance(answer, ModelError):
            return Pair(prompt.id, prompt.messages, "", "", extra=made | {"error": str(answer)})
    assert isinstance(one, Completion)
    assert isinstance(other, Completion)
    made["finished"] = [one.finished, other.finished]
    error = SAME if _same(one, other) else "" if one.text.strip() and other.text.strip() else EMPTY
    if error:
        made["error"] = error
    texts = (one.text.strip(), other.text.strip())
    return Pair.of(prompt.messages, *texts, extra=made)
