"""Labels of every kind for hypothesis: people, judges under settings, failures, odd texts."""

from hypothesis import strategies as st

from cai_core.schema import (
    HUMAN_P,
    ConstitutionRef,
    Label,
    Message,
    Orders,
    Pair,
    Review,
    user,
)

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=12
).filter(str.strip)
NAMES = st.sampled_from(["Ada", "Bo", "Ceci, née D'Or", '"Ed"'])
PROBABILITIES = st.floats(0, 1)
_VOTES = st.dictionaries(st.sampled_from(["kind", "true", "calm, too"]), PROBABILITIES, max_size=3)
_HELD = st.dictionaries(st.sampled_from(["note", "n"]), st.one_of(st.integers(), TEXTS), max_size=2)


@st.composite
def pairs(draw):
    first = user(draw(TEXTS))
    more = draw(
        st.sampled_from(
            [
                (),
                (Message("assistant", "So?"), user('Yes, [1] "role"')),
                (Message("assistant", ""),),
            ]
        )
    )
    prompt = (first, *more, *((user("On."),) if more and more[-1].role == "assistant" else ()))
    return Pair.of(prompt, draw(TEXTS), draw(TEXTS))


@st.composite
def reviews(draw, reviewer):
    return Review(
        blind=draw(st.booleans()),
        queue=draw(st.sampled_from(["even", "useful, too"])),
        pi=draw(st.none() | st.floats(0.001, 1)),
        reviewer=reviewer,
        constitution_version=draw(st.none() | st.integers(1, 9)),
        first=draw(st.booleans()),
        clear=draw(st.booleans()),
        reasons=tuple(draw(st.lists(st.sampled_from(["harmful", "off; topic"]), max_size=2))),
        note=draw(st.just("") | TEXTS),
        shown=draw(st.sampled_from(["ab", "ba", ""])),
        scope=draw(st.sampled_from(["", '{"source": "mine"}'])),
    )


@st.composite
def verdicts(draw, pair):
    verdict, name = draw(st.sampled_from(["a", "b", "tie", "bad", "skip"])), draw(NAMES)
    review = draw(st.none() | reviews(name))
    return Label(
        pair, verdict, HUMAN_P.get(verdict), "person", name, review=review, extra=draw(_HELD)
    )


@st.composite
def judgements(draw, pair):
    verdict = draw(st.sampled_from(["a", "b", "tie", None]))
    p_a = {"a": st.floats(0.51, 1), "b": st.floats(0, 0.49), "tie": st.just(0.5)}.get(verdict)
    ref = draw(st.sampled_from([ConstitutionRef("short", "aaaa", 2), ConstitutionRef("x", "bbbb")]))
    return Label(
        pair,
        verdict,
        None if p_a is None else draw(p_a),
        annotator=draw(st.sampled_from(["m", "endpoint:lab/x"])),
        p_raw=draw(st.none() | PROBABILITIES),
        orders=draw(st.none() | st.builds(Orders, PROBABILITIES, PROBABILITIES)),
        offset=draw(st.none() | st.floats(-3, 3)),
        flipped=draw(st.none() | st.booleans()),
        inconsistent=draw(st.none() | st.booleans()),
        mass=draw(st.none() | PROBABILITIES),
        votes=draw(_VOTES),
        not_applicable=draw(st.just({}) | st.just({"away": 0.75})),
        method=draw(st.sampled_from(["logprob", "cot"])),
        principles="each",
        template="compare-1",
        constitution=ref,
        seed=draw(st.none() | st.integers(0, 9)),
        rationale=draw(st.just("") | TEXTS),
        error="" if verdict else "cut off",
        extra=draw(_HELD),
    )


@st.composite
def files(draw):
    """Labels of a few pairs, those of one pair after each other, nobody twice on a pair."""
    made = {pair.id: pair for pair in draw(st.lists(pairs(), min_size=1, max_size=3))}
    labels = []
    for pair in made.values():
        of_pair = draw(
            st.lists(st.one_of(verdicts(pair), judgements(pair)), min_size=1, max_size=4)
        )
        labels += {(x.kind, x.annotator, x.method, x.constitution): x for x in of_pair}.values()
    return labels
