"""Row errors stay with their row; a run whose rows all fail alike gives up."""

import pytest

from cai_core.errors import ModelError, Stopped
from cai_core.feedback.batch import PATIENCE, WAVES, Tally, ask_each, batch_size, batches
from cai_core.models.endpoint import EndpointModel
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Hooks
from cai_core.settings import Endpoint


def refusing(bad, calls):
    def ask(items):
        calls.append(list(items))
        for item in items:
            if item in bad:
                raise ModelError(f"{item} is too long")
        return [item * 2 for item in items]

    return ask


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16])
@pytest.mark.parametrize("bad", [{0}, {1}, {6}, {0, 6}, {2, 3}, set()])
def test_each_item_gets_its_answer_or_its_own_error(size, bad):
    found = ask_each(refusing(bad, []), range(size))
    assert len(found) == size
    for item, got in enumerate(found):
        if item in bad:
            assert str(got) == f"{item} is too long"
        else:
            assert got == item * 2


def test_one_bad_item_of_many_costs_few_calls():
    calls = []
    ask_each(refusing({40}, calls), range(64))
    assert len(calls) <= 24


def test_when_nothing_can_be_asked_few_calls_are_wasted():
    calls = []

    def ask(items):
        calls.append(items)
        raise ModelError("401")

    found = ask_each(ask, range(64))
    assert [str(error) for error in found] == ["401"] * 64
    assert len(calls) == 3


def test_a_stop_is_no_row_error():
    def ask(items):
        raise Stopped("as asked")

    with pytest.raises(Stopped):
        ask_each(ask, [1, 2])


def test_whether_to_stop_is_asked_before_each_batch():
    asked = iter([False, True])
    made = batches([1, 2, 3], 2, Hooks(should_stop=lambda: next(asked)))
    assert next(made) == [1, 2]
    with pytest.raises(Stopped):
        next(made)


def test_a_run_gives_up_when_rows_fail_alike_one_after_another():
    told = []
    count = Tally(100, Hooks(progress=told.append))
    for _ in range(PATIENCE - 1):
        count.finished("401")
    with pytest.raises(ModelError, match=r"gave up .* 401"):
        count.finished("401")
    assert (told[-1].done, told[-1].failed, told[-1].total) == (PATIENCE, PATIENCE, 100)


def test_one_good_row_renews_the_patience():
    count = Tally(100, Hooks())
    for _ in range(3):
        for _ in range(PATIENCE - 1):
            count.finished("401")
        count.finished()
    for place in range(2 * PATIENCE):
        count.finished(f"prompt {place} is too long")


class Counted:
    """Items that come one at a time, as from a file, and are counted as they are taken."""

    def __init__(self, items):
        self.items, self.taken = items, 0

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        for item in self.items:
            self.taken += 1
            yield item


def test_windows_follow_the_input_whatever_the_lengths_and_are_read_as_they_are_needed():
    texts = ["x" * length for length in (500, 1, 300, 2, 900, 3, 700)]
    source = Counted(texts)
    windows = batches(source, 3, Hooks())
    assert next(windows) == texts[:3]
    assert source.taken == 3
    assert list(windows) == [texts[3:6], texts[6:]]


def test_a_model_that_takes_many_questions_side_by_side_gets_larger_batches():
    lab = EndpointModel(Endpoint(name="lab", base_url="http://127.0.0.1:9/v1", concurrency=32), "m")
    assert batch_size(lab, 64) == 32 * WAVES
    assert batch_size(lab, 1000) == 1000
    assert batch_size(ScriptedModel(), 64) == 64
