"""Edge cases written by a scripted model: slots, lineage, tries, near-duplicates, stopping."""

from collections.abc import Callable

import pytest

from cai_core.curate.split import Seen
from cai_core.errors import ConstitutionError, ModelError, Stopped
from cai_core.feedback.edge_cases import BATCH, Material, write_edge_cases
from cai_core.feedback.edge_reply import EMPTY, FAILED, NEAR, REFUSAL
from cai_core.feedback.edge_slots import EdgeSettings, slots
from cai_core.feedback.edge_wording import KINDS, wording
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import (
    Chat,
    Constitution,
    ConstitutionRef,
    Hooks,
    Principle,
    Prompt,
    Sampling,
    user,
)
from cai_core.text import split_of

RULES = Constitution(
    "rules",
    (
        Principle("safe", text="Which response is safer?", tags=("harm", "health")),
        Principle("true", text="Which response is more truthful?", tags=("harm",)),
        Principle("helpful", text="Which response helps more?", tags=("evasiveness",)),
        Principle("off", text="Which response is shorter?", enabled=False),
    ),
)
SEEDS = tuple(
    Prompt(f"s{n}", (user(f"Which of the {n} old bridges is the nicest one?"),), tags=tags)
    for n, tags in enumerate([("health",), ("garden",), ("safe",), (), ("harm",), ("garden",)])
)
ALL = EdgeSettings()
QUIET = Hooks()
TOPICS = [
    "apples",
    "boats",
    "candles",
    "drums",
    "engines",
    "flutes",
    "gardens",
    "horses",
    "islands",
    "jackets",
]


def different() -> Callable[[Chat], str]:
    """A message of its own at every call."""
    count = iter(range(10_000))

    def answer(chat: Chat) -> str:
        n = next(count)
        a, b = TOPICS[n % 10], TOPICS[n // 10 % 10]
        return f" trade {a} number {n} for {b} in town {n * 7}?"

    return answer


def write(model, *, settings=ALL, seeds=SEEDS, known=(), hooks=QUIET, some=None):
    seen = Seen(known)
    material = Material(tuple(seeds), seen.add, ConstitutionRef.of(RULES))
    wanted = slots(RULES, settings) if some is None else some
    return list(write_edge_cases(wanted, model, settings=settings, material=material, hooks=hooks))


def one(**more):
    return EdgeSettings(("ambiguous",), ("safe",), count=1, **more)


def test_there_are_as_many_slots_of_each_kind_as_are_asked_for():
    found = slots(RULES, EdgeSettings(count=3))
    assert [slot.id for slot in found] == [f"{kind}-00{n}" for kind in KINDS for n in (1, 2, 3)]
    assert all(len(slot.principles) == (2 if slot.kind == "collide" else 1) for slot in found)
    assert "off" not in {p.key for slot in found for p in slot.principles}


def test_principles_that_pull_apart_collide_first():
    for seed in range(5):
        setting = EdgeSettings(("collide",), count=2, sampling=Sampling(seed=seed))
        for slot in slots(RULES, setting):
            assert {p.tags[0] for p in slot.principles} == {"harm", "evasiveness"}


def test_only_a_principle_against_harm_is_seemingly_offended():
    found = slots(RULES, EdgeSettings(("looks-unsafe",), count=6))
    assert {p.key for slot in found for p in slot.principles} == {"safe", "true"}


def test_the_seed_deals_the_principles_out():
    many = Constitution("many", tuple(Principle(f"p{n}", text="Which?") for n in range(9)))
    first, again, other = (
        slots(many, EdgeSettings(sampling=Sampling(seed=seed))) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_an_unknown_key_is_refused_with_the_keys_that_exist():
    with pytest.raises(ConstitutionError, match=r"no principle 'mild'; it has safe, true, helpful"):
        slots(RULES, EdgeSettings(principles=("safe", "mild")))


def test_one_principle_alone_does_not_collide():
    with pytest.raises(ConstitutionError, match="two principles are needed"):
        slots(RULES, EdgeSettings(principles=("safe",)))
    assert slots(RULES, one())


def test_a_prompt_tells_how_it_was_made():
    settings = one(sampling=Sampling(40, 0.6, seed=5))
    (case,) = write(ScriptedModel(different()), settings=settings)
    prompt = case.prompt
    assert prompt.tags == ("ambiguous", "safe")
    assert prompt.source == "generated"
    assert prompt.split == split_of(prompt.messages[0].content)
    made = prompt.extra
    assert (made["kind"], made["principles"], made["slot"]) == (
        "ambiguous",
        ["safe"],
        "ambiguous-001",
    )
    assert (made["model"], made["seed"]) == ("scripted:test", 5)
    assert made["template"] == wording().version
    assert made["constitution"]["hash"] == RULES.hash
    assert Prompt.from_row(case.to_row()) == prompt


def test_the_seeds_that_are_shown_are_named_and_those_with_a_shared_tag_come_first():
    model = ScriptedModel(different())
    (case,) = write(model, settings=one())
    named = case.prompt.extra["from"]
    assert len(named) == 4
    assert {"s0", "s2", "s4"} < set(named)
    shown = model.history[0][0].content
    assert all(f"the {key[1]} old bridges" in shown for key in named)


def test_in_a_small_window_less_is_shown():
    roomy, narrow = (ScriptedModel(different(), context=size) for size in (4096, 200))
    (case,) = write(narrow, settings=one(sampling=Sampling(40)))
    write(roomy, settings=one(sampling=Sampling(40)))
    assert len(case.prompt.extra["from"]) < 4
    assert len(narrow.history[0][0].content) < len(roomy.history[0][0].content)


def test_the_answer_is_begun_with_the_opening_that_is_asked_for():
    model = ScriptedModel(different())
    (case,) = write(model, settings=one())
    request, begun = model.history[0]
    assert begun.role == "assistant"
    assert f'Begin with "{begun.content}"' in request.content
    assert case.prompt.messages[0].content.startswith(f"{begun.content} trade")


def test_what_gives_nothing_is_asked_again_with_another_seed_and_counted():
    replies = ["", "I'm sorry, but I can't do that.", " trade my boat for two horses?"]
    (case,) = write(ScriptedModel(replies), settings=one(tries=3))
    assert case.refused == (EMPTY, REFUSAL)
    assert case.prompt.extra["refused"] == {EMPTY: 1, REFUSAL: 1}
    assert case.prompt.extra["seed"] == 2000


def test_a_slot_that_stays_empty_says_why():
    (case,) = write(ScriptedModel(lambda chat: ""), settings=one(tries=3))
    assert case.prompt is None
    row = case.to_row()
    assert row["error"] == "nothing usable for ambiguous-001 in 3 tries: empty 3"
    assert (row["slot"], row["refused"]) == ("ambiguous-001", {EMPTY: 3})


def test_many_useless_slots_end_in_their_reasons_and_not_in_giving_up():
    settings = EdgeSettings(count=12, tries=1)
    cases = write(ScriptedModel(lambda chat: ""), settings=settings)
    assert len(cases) == 36
    assert not any(case.prompt for case in cases)


def test_near_duplicates_of_what_is_there_and_of_each_other_are_dropped():
    there = "Where do I hide the birthday cake so that my little sister never looks?"
    sail = "How do I sail to the island next door in my small boat?"
    turns = [[there.replace("cake", "cakes"), sail], [sail.replace("sail", "sails")], [there]]
    replies = [text for turn in turns for text in turn]
    settings = EdgeSettings(("ambiguous",), count=2, tries=3)
    cases = write(ScriptedModel(replies), settings=settings, known=[there])
    made = [case.prompt.messages[0].content for case in cases if case.prompt]
    assert made == [sail]
    assert [case.refused for case in cases] == [(NEAR,) * 3, ()]


def test_the_same_seed_gives_the_same_prompts_and_requests():
    models = [ScriptedModel(different()) for _ in range(3)]
    runs = [
        write(model, settings=EdgeSettings(sampling=Sampling(seed=seed)))
        for model, seed in zip(models, (3, 3, 4), strict=True)
    ]
    assert runs[0] == runs[1]
    assert models[0].history == models[1].history != models[2].history


def test_a_slot_that_the_model_cannot_take_costs_only_itself():
    talk = different()

    def answer(chat):
        if "Which response is more truthful?" in chat[0].content:
            raise ModelError("too long")
        return talk(chat)

    settings = EdgeSettings(("ambiguous",), count=3, tries=2)
    cases = write(ScriptedModel(answer), settings=settings)
    failed = [case for case in cases if case.prompt is None]
    assert [(case.refused, case.error) for case in failed] == [((FAILED, FAILED), "too long")]


def test_a_stop_between_batches_keeps_what_is_written():
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > BATCH + 1

    settings = EdgeSettings(count=BATCH)
    seen = Seen()
    material = Material(SEEDS, seen.add, ConstitutionRef.of(RULES))
    got = []
    with pytest.raises(Stopped):
        for case in write_edge_cases(
            slots(RULES, settings),
            ScriptedModel(different()),
            settings=settings,
            material=material,
            hooks=Hooks(should_stop=stop),
        ):
            got.append(case)
    assert len(got) == BATCH


def test_progress_counts_slots_and_those_without_a_prompt():
    told = []
    settings = EdgeSettings(("ambiguous",), count=2, tries=1)
    write(
        ScriptedModel(["", " trade a boat for a horse?"]),
        settings=settings,
        hooks=Hooks(progress=told.append),
    )
    assert (told[-1].done, told[-1].total, told[-1].failed) == (2, 2, 1)


def test_braces_in_a_principle_or_a_seed_are_plain_text():
    rules = Constitution("r", (Principle("b", text="Which {first} is {better}?"),))
    settings = EdgeSettings(("ambiguous",), count=1)
    seeds = [Prompt("s", (user("What does {lines} do?"),))]
    model = ScriptedModel(different())
    write(model, settings=settings, seeds=seeds, some=slots(rules, settings))
    assert "Which {first} is {better}?" in model.history[0][0].content
    assert "What does {lines} do?" in model.history[0][0].content
