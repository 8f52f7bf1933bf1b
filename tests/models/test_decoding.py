import numpy as np
import pytest
import torch

from cai_core.errors import ModelError
from cai_core.models.decoding import Row, batches, draw, draws, padded, rows_of, without_gaps
from cai_core.schema import Sampling


def rows(count: int, number: float) -> list[Row]:
    return [Row(place, (1,), 5, np.full(5, number)) for place in range(count)]


def test_a_batch_holds_rows_of_like_length_within_both_limits() -> None:
    prompts = [(0,) * length for length in (5, 50, 6, 49, 7)]
    made = list(batches(rows_of(prompts, Sampling(10), 100), 2, 1000))
    assert [[len(row.ids) for row in batch] for batch in made] == [[50, 49], [7, 6], [5]]
    tight = list(batches(rows_of(prompts, Sampling(10), 100), 9, 70))
    assert [[len(row.ids) for row in batch] for batch in tight] == [[50], [49], [7, 6, 5]]
    assert sum(map(len, batches(rows_of(prompts, Sampling(10), 100), 9, 1))) == 1 * 5


def test_an_answer_of_no_tokens_and_a_negative_temperature_are_refused() -> None:
    for params in (Sampling(max_new_tokens=0), Sampling(temperature=-1.0)):
        with pytest.raises(ModelError):
            rows_of([(1,)], params, 10)


def test_draws_depend_on_seed_and_prompt_only() -> None:
    assert (draws(1, (1, 2), 4) == draws(1, (1, 2), 8)[:4]).all()
    assert (draws(1, (1, 2), 4) != draws(2, (1, 2), 4)).any()
    assert (draws(1, (1, 2), 4) != draws(1, (1, 3), 4)).any()


def test_every_token_is_drawn_where_its_share_of_the_line_lies() -> None:
    logits = torch.log(torch.tensor([[0.2, 0.0, 0.5, 0.3]]))
    params = Sampling(temperature=1.0)
    for number, token in ((0.0, 0), (0.19, 0), (0.21, 2), (0.69, 2), (0.71, 3), (1 - 1e-16, 3)):
        assert draw(logits, rows(1, number), params).tolist() == [token]


def test_what_top_k_and_top_p_leave_out_is_never_drawn() -> None:
    logits = torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.4]])).repeat(101, 1)
    spread = [row for n in range(101) for row in rows(1, n / 101)]
    seen = lambda **more: set(draw(logits, spread, Sampling(temperature=1.0, **more)).tolist())  # noqa: E731
    assert seen() == {0, 1, 2, 3}
    assert seen(top_k=2) == {2, 3}
    assert seen(top_p=0.7) == {2, 3}
    assert seen(top_p=0.71) == {1, 2, 3}
    assert seen(top_p=0.01) == {3}
    assert seen(top_k=99) == {0, 1, 2, 3}


def test_a_low_temperature_sharpens_and_zero_takes_the_best() -> None:
    logits = torch.tensor([[1.0, 2.0]]).repeat(100, 1)
    spread = [row for n in range(100) for row in rows(1, n / 100)]
    counts = [
        int(draw(logits, spread, Sampling(temperature=t)).sum()) for t in (10.0, 1.0, 0.1, 0.0)
    ]
    assert counts[0] < counts[1] < counts[2] <= counts[3] == 100


def test_padding_stands_on_the_left() -> None:
    ids, mask = padded([(5, 6, 7), (8,), ()], "cpu")
    assert ids.tolist() == [[5, 6, 7], [0, 0, 8], [0, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1], [0, 0, 0]]


def test_gaps_are_filled_from_the_end() -> None:
    for running in ([True] * 3, [False] * 3, [False, True, True], [True, False, False, True, True]):
        kept = without_gaps(running)
        assert sorted(kept) == [place for place, runs in enumerate(running) if runs]
        assert all(place >= len(kept) for to, place in enumerate(kept) if to != place)
