import threading
import time

import pytest

from cai_core.errors import BudgetError, CaiError, Stopped
from cai_core.models.budget import Budget, Spent, Terms, cost_of, read_spent, spent_file
from cai_core.models.cached import CachedModel
from cai_core.schema import Sampling, user
from cai_core.settings import Endpoint
from tests.models.conftest import Serve
from tests.models.stub import completion, failure, scored
from tests.models.test_cached import Memory

FREE = Endpoint(name="free", base_url="http://h")
PRICED = Endpoint(name="priced", base_url="http://h", prompt_price=2.0, completion_price=10.0)
FEW = Sampling(max_new_tokens=9, temperature=0.0)
CHATS = [(user(f"How do I make tea number {n}?"),) for n in range(40)]


def spend(budget: Budget, endpoint: Endpoint, read: int, written: int) -> None:
    with budget.request(endpoint, read, written) as settle:
        settle(read, written)


def test_without_limits_everything_is_counted_and_nothing_refused():
    budget = Budget()
    spend(budget, PRICED, 1_000_000, 500_000)
    spend(budget, FREE, 10, 1)
    assert budget.spent == Spent(1_000_010, 500_001, 7.0)


def test_no_price_is_no_cost_and_not_a_cost_of_nothing():
    assert cost_of(FREE, 10, 10) is None
    assert cost_of(FREE.model_copy(update={"prompt_price": 1.0}), 10, 10) is None


def test_tokens_read_and_written_use_up_a_budget():
    budget = Budget(tokens=100, rows=lambda: 131)
    spend(budget, FREE, 60, 30)
    with pytest.raises(BudgetError) as caught:
        spend(budget, FREE, 8, 3)
    assert str(caught.value) == (
        "the budget of 100 tokens is used up after 131 rows (90 counted, and the next question may"
        " take 11); raise --budget-tokens and the same command continues"
    )
    spend(budget, FREE, 8, 2)


def test_cost_uses_up_a_budget():
    budget = Budget(cost=1.0)
    spend(budget, PRICED, 400_000, 10_000)
    with pytest.raises(BudgetError, match=r"budget of 1\.00 is used up .*raise --budget-cost"):
        spend(budget, PRICED, 100_000, 0)


def test_a_cost_needs_prices():
    with pytest.raises(BudgetError, match="'free' has no prices"):
        Budget(cost=1.0).check(FREE)
    Budget(tokens=1).check(FREE)


def test_what_a_request_did_not_use_is_free_again_and_waited_for():
    budget, order = Budget(tokens=100), []
    under_way, go = threading.Event(), threading.Event()

    def first() -> None:
        with budget.request(FREE, 10, 80) as settle:
            under_way.set()
            go.wait(5)
            settle(10, 5)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    under_way.wait(5)
    threading.Timer(0.1, go.set).start()
    spend(budget, FREE, 50, 30)  # fits only once the first has used so little
    order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_a_stop_request_ends_the_wait_for_room():
    budget = Budget(tokens=100)
    with (
        budget.request(FREE, 90, 0),
        pytest.raises(Stopped),
        budget.request(FREE, 90, 0, stopped=lambda: True),
    ):
        pass


def test_a_request_that_failed_costs_nothing():
    budget = Budget(tokens=100)
    with pytest.raises(ValueError, match="no answer"), budget.request(FREE, 90, 0):
        raise ValueError("no answer")
    spend(budget, FREE, 90, 0)


def test_what_was_spent_is_kept_over_attempts(tmp_path):
    out = tmp_path / "out.jsonl"
    first = Budget(tokens=100)
    first.keep_for(out)
    spend(first, FREE, 60, 10)
    first.write()
    again = Budget(tokens=100)
    again.keep_for(out)
    with pytest.raises(BudgetError):
        spend(again, FREE, 31, 0)
    assert read_spent(out) == Spent(60, 10)
    spent_file(out).write_text("{half")
    with pytest.raises(CaiError, match="cannot be read"):
        Budget().keep_for(out)


def test_a_run_that_asked_nothing_leaves_no_file(tmp_path):
    budget = Budget()
    budget.keep_for(tmp_path / "out.jsonl")
    budget.write()
    assert list(tmp_path.iterdir()) == []


def test_an_endpoint_stops_at_the_budget_and_never_over_it(serve: Serve):
    budget = Budget(tokens=200)
    stub, model = serve(completion("yes"), terms=Terms(budget), concurrency=8)
    with pytest.raises(BudgetError):
        model.generate(CHATS, FEW)
    spent = budget.spent.prompt_tokens + budget.spent.tokens
    assert 170 < spent <= 200
    assert spent == 10 * len(stub.asked)  # as the server counts: 7 read, 3 written


def test_many_threads_never_overdraw_together(serve: Serve):
    budget = Budget(tokens=150)

    def reply(body):
        time.sleep(0.01)
        return completion("yes")

    stub, model = serve(reply=reply, terms=Terms(budget), concurrency=32)
    with pytest.raises(BudgetError):
        model.generate(CHATS, FEW)
    assert budget.spent.prompt_tokens + budget.spent.tokens <= 150
    assert len(stub.asked) <= 15


def test_answers_from_the_cache_cost_nothing_and_those_of_a_broken_off_call_are_kept(serve: Serve):
    cache = Memory()
    _, poor = serve(completion("yes"), terms=Terms(Budget(tokens=200)))
    behind = CachedModel("m", "f", lambda: poor, cache)
    with pytest.raises(BudgetError):
        behind.generate(CHATS, FEW)
    answered = poor.usage.asked
    assert answered > 10
    budget = Budget(tokens=1000)
    stub, rich = serve(completion("yes"), terms=Terms(budget))
    CachedModel("m", "f", lambda: rich, cache).generate(CHATS, FEW)
    assert len(stub.asked) == len(CHATS) - answered
    assert budget.spent.prompt_tokens == 7 * len(stub.asked)


def test_scores_of_a_broken_off_call_are_kept(serve: Serve):
    cache = Memory()
    _, poor = serve(scored(A=-0.1), terms=Terms(Budget(tokens=150)), concurrency=2)
    with pytest.raises(BudgetError):
        CachedModel("m", "f", lambda: poor, cache).score_choices(CHATS, ["A", "B"])
    assert poor.usage.asked > 5
    stub, rich = serve(scored(A=-0.1))
    CachedModel("m", "f", lambda: rich, cache).score_choices(CHATS, ["A", "B"])
    assert len(stub.asked) == len(CHATS) - poor.usage.asked


def test_a_stream_counts_too(serve: Serve):
    budget = Budget(tokens=5)
    _, model = serve(failure(500, "never asked"), terms=Terms(budget))
    with pytest.raises(BudgetError):
        list(model.stream(CHATS[0], FEW))
