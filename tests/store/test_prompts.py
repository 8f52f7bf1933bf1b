"""Prompts, their sets and their split."""

import pytest

from cai_core.errors import NotFoundError
from cai_core.schema import Prompt, assistant, content_hash, user
from cai_core.store import pairs, prompts
from cai_core.text import split_of
from tests.store.rows import pair


def test_a_prompt_comes_back_whole(db):
    chat = (user("Hi"), assistant("Hello"), user("How do I make té?"))
    given = Prompt.of(chat, tags=("x", "y"), source="mine", split="dev", extra={"n": 1})
    assert prompts.add(db, [given], set_name="s") == 1
    assert prompts.of_set(db, "s") == [given]
    assert prompts.get(db, given.id) == given


def test_adding_again_adds_nothing(db):
    given = [Prompt.of("one"), Prompt.of("two")]
    assert prompts.add(db, given, set_name="s") == 2
    assert prompts.add(db, [*given, Prompt.of("three")], set_name="s") == 1
    assert [p.messages[0].content for p in prompts.of_set(db, "s")] == ["one", "two", "three"]


def test_one_conversation_in_two_sets_is_one_prompt(db):
    prompts.add(db, [Prompt.of("one")], set_name="s")
    prompts.add(db, [Prompt("other-id", (user("one"),))], set_name="t")
    assert prompts.of_set(db, "s") == prompts.of_set(db, "t")
    assert db["prompts"].count == 1


def test_an_id_that_another_conversation_has_becomes_the_contents_hash(db):
    prompts.add(db, [Prompt("1", (user("one"),))], set_name="s")
    prompts.add(db, [Prompt("1", (user("two"),))], set_name="t")
    one, two = prompts.of_set(db, "s")[0], prompts.of_set(db, "t")[0]
    assert one.id == "1"
    assert two.id == content_hash([{"role": "user", "content": "two"}])


def test_every_prompt_gets_its_split_when_it_enters(db):
    prompts.add(db, [Prompt.of(str(n)) for n in range(40)], set_name="s")
    assert all(p.split == split_of(p.messages[0].content) for p in prompts.of_set(db, "s"))


def test_the_first_split_of_a_first_user_turn_stands_for_ever(db):
    prompts.add(db, [Prompt.of("How do I make tea?", split="test")], set_name="s")
    again = Prompt.of((user("how do I make TEA"), assistant("Ask."), user("Go on")), split="train")
    prompts.add(db, [again], set_name="s")
    assert {p.split for p in prompts.of_set(db, "s")} == {"test"}
    added = pairs.add(db, [pair("How do I make tea")])
    assert pairs.get(db, added.ids[0]).split == "test"


def test_a_set_is_counted_by_split_and_read_in_parts(db):
    given = [Prompt.of(s, split=s) for s in ("train", "dev", "test")] + [
        Prompt.of("x", split="dev")
    ]
    prompts.add(db, given, set_name="s")
    found = prompts.sets(db)[0]
    assert (found.name, found.n, found.train, found.dev, found.test) == ("s", 4, 1, 2, 1)
    assert len(prompts.of_set(db, "s", split="dev")) == 2
    assert prompts.of_set(db, "s", limit=1, offset=1) == [given[1]]


def test_what_is_not_there_is_said(db):
    with pytest.raises(NotFoundError, match="no prompt set 's'"):
        prompts.of_set(db, "s")
    with pytest.raises(NotFoundError, match="no prompt with the id"):
        prompts.get(db, "x")
