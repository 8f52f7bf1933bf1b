import random

from hypothesis import given
from hypothesis import strategies as st

from cai_core.models.sharing import Shared, contexts_of, share

ROWS = st.lists(
    st.lists(st.integers(0, 2), min_size=1, max_size=8).map(tuple), min_size=1, max_size=12
)


def parts_of(node: Shared) -> list[Shared]:
    return [node] + [below for part in node.parts for below in parts_of(part)]


def read_tokens(node: Shared, rows: list[tuple[int, ...]], above: int = 0) -> int:
    """Tokens that are read when a plan is followed."""
    own = node.depth - above + sum(len(rows[row]) - node.depth for row in node.leaves)
    return own + sum(read_tokens(part, rows, node.depth) for part in node.parts)


@given(ROWS, st.integers(1, 6))
def test_every_row_stands_once_and_shares_only_what_it_has(
    rows: list[tuple[int, ...]], worth: int
) -> None:
    ends = [max(0, len(row) - 1) for row in rows]
    plan = share(rows, ends, worth=worth)
    assert sorted(plan.rows()) == list(range(len(rows)))
    for node in parts_of(plan):
        below = node.rows()
        assert len({rows[row][: node.depth] for row in below}) == 1
        assert all(node.depth <= ends[row] for row in below)
    assert read_tokens(plan, rows) <= sum(map(len, rows))


def test_examples_questions_and_orders_are_each_read_once() -> None:
    draw = random.Random(0)
    examples = tuple(range(300))
    rows = []
    for _ in range(10):
        pair = tuple(draw.randrange(1000) for _ in range(200))
        rows += [examples + pair + tuple(draw.randrange(9) for _ in range(30)) for _ in range(16)]
    draw.shuffle(rows)
    plan = share(rows, [len(row) - 1 for row in rows])
    assert (plan.depth, len(plan.parts), plan.leaves) == (300, 10, [])
    assert all(len(part.leaves) == 16 and part.depth >= 500 for part in plan.parts)
    assert read_tokens(plan, rows) <= 300 + 10 * 200 + 160 * 30


def test_nothing_is_shared_where_it_would_not_pay() -> None:
    plan = share([(1, 2, 3), (1, 2, 4)], [2, 2], worth=10)
    assert (plan.depth, sorted(plan.leaves), plan.parts) == (0, [0, 1], [])


def test_rows_nested_in_one_another_do_not_reach_the_limit_of_recursion() -> None:
    rows = [tuple([7] * length) for length in range(1, 3001)]
    assert sorted(share(rows, [len(row) - 1 for row in rows]).rows()) == list(range(3000))


def test_a_choice_that_another_goes_through_needs_no_context_of_its_own() -> None:
    wholes = [(1, 2, 5, 6), (1, 2, 5), (1, 2, 7)]
    (longest,) = contexts_of(3, (1, 2), wholes)
    assert longest.ids == (1, 2, 5)
    assert longest.lookups == {
        (3, 0): [(1, 5), (2, 6)],
        (3, 1): [(1, 5)],
        (3, 2): [(1, 7)],
    }


def test_choices_that_part_early_need_a_context_each() -> None:
    found = contexts_of(0, (1, 2), [(1, 2, 5, 9), (1, 2, 6, 9)])
    assert [context.ids for context in found] == [(1, 2, 5), (1, 2, 6)]


def test_a_choice_that_changes_the_last_token_moves_the_start_of_all() -> None:
    found = contexts_of(0, (1, 2), [(1, 8), (1, 2, 5)])
    assert {context.first for context in found} == {0}
    assert found[0].lookups[0, 0] == [(0, 8)]
    assert found[0].lookups[0, 1] == [(0, 2), (1, 5)]
