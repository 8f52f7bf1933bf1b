import math

from hypothesis import given
from hypothesis import strategies as st

from cai_core.train.watch import ends
from cai_core.train.watch.records import Watch

ROWS = [{"prompt": number} for number in range(30)]


def test_both_ends_are_ten_rows_most_extreme_first(tmp_path):
    ends.tell(tmp_path, ROWS, [float(row["prompt"]) for row in ROWS], ends.MARGIN)
    found = Watch(tmp_path).read("ends")
    assert [row["prompt"] for row in found["best"]] == list(range(29, 19, -1))
    assert [row["prompt"] for row in found["worst"]] == list(range(10))
    assert found["best"][0] == {"prompt": 29, "value": 29.0, "name": "margin"}
    assert (found["n"], found["measure"]) == (30, ends.MARGIN.says)


def test_of_no_rows_nothing_is_written(tmp_path):
    ends.tell(tmp_path, [], [], ends.LOSS)
    assert Watch(tmp_path).read("ends") is None


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30), st.booleans())
def test_no_row_stands_at_both_ends_and_none_without_a_number(values, higher):
    measure = ends.MARGIN if higher else ends.LOSS
    found = ends.of(ROWS[: len(values)], values, measure)
    known = [value for value in values if math.isfinite(value)]
    assert found["n"] == len(known)
    shown = [row["prompt"] for row in found["best"] + found["worst"]]
    assert len(shown) == len(set(shown)) == min(len(known), 2 * ends.COUNT)
    if known:
        assert found["worst"][0]["value"] == (min(known) if higher else max(known))
