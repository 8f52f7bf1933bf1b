"""One split for every prompt, near-duplicates together."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cai_core.curate.split import Seen, assign, groups
from cai_core.schema import assistant, user
from cai_core.text import split_of

TEA = "How do I make a really good cup of green tea at home?"
TEAS = "How do I make a really good cup of green teas at home?"


def chats(*texts):
    return [(user(text),) for text in texts]


def test_near_duplicates_share_a_split_and_others_do_not_matter():
    found = assign(chats(TEA, "What is rust?", TEAS))
    assert found[0] == found[2]
    assert found[1] == split_of("What is rust?")


def test_a_prompt_alone_has_the_split_of_its_hash():
    texts = [f"question number {n} about {n * n}" for n in range(300)]
    found = assign(chats(*texts))
    assert sum(a == split_of(t) for a, t in zip(found, texts, strict=True)) > 270
    assert 0.7 < found.count("train") / 300 < 0.9


def test_duplicates_of_duplicates_are_joined():
    step = "tell me about the history of the old bridge over the river in my town"
    chain = [step, step + " now", step + " now ok", step + " now ok yes", step + " now ok yes go"]
    assert len(set(groups([*chain, "something else entirely"])[:5])) == 1
    assert groups([*chain, "something else entirely"])[5] == 5


def test_a_given_split_is_obeyed_by_all_its_near_duplicates():
    for split in ("train", "dev", "test"):
        assert set(assign(chats(TEA, TEAS), [None, split])) == {split}


def test_of_two_given_splits_the_one_held_out_wins():
    assert assign(chats(TEA, TEAS, TEA), ["train", "test", "dev"]) == ["test"] * 3


def test_only_the_first_user_turn_counts():
    later = (user(TEA), assistant("Boil water."), user("And then?"))
    assert groups_of(later) == groups_of((user(TEA),))


def groups_of(chat):
    return assign([chat])[0]


def test_case_and_punctuation_make_no_difference():
    assert len(set(assign(chats(TEA, TEA.upper(), TEA.replace("?", "!!!"))))) == 1


def test_nothing_is_split_into_nothing():
    assert assign([]) == []
    assert assign(chats("", "")) in (["train"] * 2, ["dev"] * 2, ["test"] * 2)


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=8), st.randoms())
def test_the_order_of_rows_changes_no_split(texts, chance):
    shuffled = list(texts)
    chance.shuffle(shuffled)
    before = dict(zip(texts, assign(chats(*texts)), strict=True))
    assert dict(zip(shuffled, assign(chats(*shuffled)), strict=True)) == before


def test_what_was_seen_knows_near_duplicates_and_remembers_only_what_is_new():
    seen = Seen([TEA])
    assert not seen.add(TEAS)
    assert seen.add("What is rust?")
    assert not seen.add("what is RUST")
    assert seen.add("Where do rivers begin?")
