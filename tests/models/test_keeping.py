"""What is kept of a chat from round to round."""

from collections.abc import Iterator
from itertools import islice

import pytest
import torch

from cai_core.models import reader
from cai_core.models.keeping import Kept, KeptRows
from cai_core.models.local import LocalModel
from cai_core.models.reader import Stems
from cai_core.schema import Chat, Sampling, assistant, user

GREEDY = Sampling(max_new_tokens=12, temperature=0)
EXAMPLES = "Boil water, add the leaves, and wait. " * 4


def kept(*ids: int) -> Kept:
    nothing = Stems(None, torch.ones(1, 0))  # type: ignore[arg-type]
    return Kept(ids, nothing, 0, [])


def rounds(model: LocalModel) -> Iterator[list[Chat]]:
    """Three turns of five chats, each going on with what the model wrote."""
    chats: list[Chat] = [(user(f"{EXAMPLES} Is it {n}?"),) for n in range(5)]
    for turn in range(3):
        yield chats
        written = model.generate(chats, GREEDY)
        chats = [
            (*chat, assistant(one.text), user(f"And now {turn}? " + "Why, and how? " * n))
            for n, (chat, one) in enumerate(zip(chats, written, strict=True))
        ]


def tokens_read(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    read: list[int] = []
    forward = model._reader.forward

    def counting(stems: Stems, ids: torch.Tensor, wanted: int) -> torch.Tensor:
        if ids.shape[1] > 1:  # not the tokens that are written
            read.append(ids.numel())
        return forward(stems, ids, wanted)

    monkeypatch.setattr(model._reader, "forward", counting)
    return read


def test_a_later_round_reads_only_what_is_new(
    tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = tokens_read(tiny, monkeypatch)
    *_, chats = islice(rounds(tiny), 3)  # the last ones are not answered yet
    read.clear()
    tiny.generate(chats, Sampling(1, 0))
    assert 0 < sum(read) < 0.5 * sum(tiny.count_tokens(chat) for chat in chats)


def test_what_is_kept_changes_no_answer(tiny: LocalModel) -> None:
    forgetful = LocalModel(tiny.folder, device="cpu")
    for chats in rounds(tiny):
        forgetful._kept = KeptRows()
        assert tiny.generate(chats, GREEDY) == forgetful.generate(chats, GREEDY)


def test_chats_of_which_some_are_kept_are_answered_alike(tiny: LocalModel) -> None:
    *_, chats = islice(rounds(tiny), 3)
    fresh = [(user(f"{EXAMPLES} Who is {n}?"),) for n in range(3)]
    mixed = [chats[0], fresh[0], chats[2], fresh[1], fresh[2]]
    forgetful = LocalModel(tiny.folder, device="cpu")
    assert tiny.generate(mixed, GREEDY) == forgetful.generate(mixed, GREEDY)


def test_little_memory_keeps_little(tiny: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    few = LocalModel(tiny.folder, device="cpu")
    monkeypatch.setattr(reader, "free_memory", lambda device: 1)
    few.generate([(user(EXAMPLES),)], GREEDY)
    assert few._kept.best(few.prompt_tokens((user(EXAMPLES),))) is None


def test_the_row_that_begins_most_alike_is_found() -> None:
    rows = KeptRows()
    a, b = tuple(range(100)), (*range(60), *range(900, 940))
    for ids in (a, b):
        rows.add(kept(*ids), most=1000)
    found = rows.best((*range(80), 7, 8))
    assert found
    assert (found[0].ids, found[1]) == (a, 80)
    assert rows.best((5, 6, 7)) is None


def test_the_last_token_is_always_left_to_be_read() -> None:
    rows = KeptRows()
    rows.add(kept(*range(100)), most=1000)
    found = rows.best(tuple(range(50)))
    assert found
    assert found[1] == 49


def test_the_row_used_longest_ago_goes_first() -> None:
    rows = KeptRows()
    one, two, three = (tuple(range(start, start + 100)) for start in (0, 1000, 2000))
    rows.add(kept(*one), most=250)
    rows.add(kept(*two), most=250)
    assert rows.best((*one, 1))
    rows.add(kept(*three), most=250)
    assert rows.best((*two, 1)) is None
    assert rows.best((*one, 1))
