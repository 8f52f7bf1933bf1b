"""Every label of a workspace, a few pairs at a time."""

import pytest

from cai_core.schema import Label
from cai_core.store import database, label_stream, labels
from cai_core.store.label_stream import LabelChoice, event_of, stream
from tests.store.rows import judgement, pair

PAIRS = [pair(f"{n}?") for n in range(7)]


@pytest.fixture
def db(monkeypatch):
    monkeypatch.setattr(label_stream, "PAIRS", 2)
    db = database.memory()
    labels.add_many(db, [judgement(one) for one in PAIRS], source="web")
    labels.add_many(db, [Label(PAIRS[3], "a", 1.0, "person", name) for name in ("Ada", "Bo")])
    labels.add(db, judgement(pair("more?"), annotator="x", constitution=None), source="lab")
    return db


def told(found):
    return [(one.pair_id, one.label.annotator) for one in found]


def test_labels_come_in_the_order_of_pairs_however_few_are_held(db):
    assert told(stream(db)) == told(labels.standing(db))


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        (LabelChoice(), 10),
        (LabelChoice(judges=["m"]), 7),
        (LabelChoice(people=["Ada"]), 1),
        (LabelChoice(judges=["x"], people=["Bo"]), 2),
        (LabelChoice(source="lab"), 1),
        (LabelChoice(constitution="short"), 9),
        (LabelChoice(constitution="other"), 2),
        (LabelChoice(people=["m"]), 0),
    ],
)
def test_a_choice_takes_what_passes_all_of_it(db, choice, count):
    assert len(list(stream(db, choice))) == count


def test_the_splits_together_are_everything(db):
    parts = [list(stream(db, LabelChoice(split=split))) for split in ("train", "dev", "test")]
    assert sum(map(len, parts)) == 10
    assert all(one.split == "train" for one in parts[0])


def test_events_bring_what_was_undone_and_what_was_followed_too(db):
    first = labels.add(db, Label(PAIRS[0], "a", 1.0, "person", "Ada"))
    labels.add(db, Label(PAIRS[0], "b", 0.0, "person", "Ada"))
    labels.undo(db, first, who="Ada")
    events = list(stream(db, LabelChoice(people=["Ada"]), events=True))
    assert [(one.label.verdict, event_of(one)["undone"]) for one in events] == [
        ("a", True),
        ("b", False),
        ("a", False),
    ]
    assert len(list(stream(db, LabelChoice(people=["Ada"])))) == 2
