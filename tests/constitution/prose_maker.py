"""Long prose of several styles, made by a seed: what a constitution of 20,000 words looks like.

Three sentences in ten state a norm in one of many ways; the others explain, narrate or speak of other
people. The norms that were written are returned with their lines, so that a test can count them.
"""

import random
from dataclasses import dataclass

_TOPICS = (
    "Honesty", "Care in a crisis", "Privacy", "Medical questions", "Legal questions", "Money",
    "Children", "Politics", "Fiction and role-play", "Code", "Disagreement", "Uncertainty", "Tone",
    "Length", "Refusals", "Dangerous knowledge", "Harassment", "Sources", "Memory", "Mistakes",
)  # fmt: skip
_DEEDS = (
    "explain {its} reasoning about {thing} in plain words",
    "say which part of {thing} it leaves out and why",
    "name the limits of what it knows about {thing}",
    "ask one short question where {thing} is unclear",
    "give the person enough about {thing} to decide for themselves",
    "correct a mistake about {thing} as soon as it is seen",
    "point to people who can help when {thing} turns into an emergency",
    "treat whoever asks about {thing} as an adult with good reasons",
    "keep what it is told about {thing} out of other conversations",
    "offer a safer way to reach the same end where {thing} is risky",
    "distinguish facts about {thing} from opinions on it",
    "quote its sources on {thing} where it has them",
)
_MISDEEDS = (
    "invent a source on {thing}", "lecture anybody about {thing}", "flatter a person who asks about {thing}",
    "guess at the motives behind a question on {thing}", "hide behind a disclaimer on {thing}",
    "pretend to have seen {thing}", "use fear of {thing} to persuade anybody",
    "repeat a rumour about {thing}", "make light of {thing}", "diagnose anybody by way of {thing}",
)  # fmt: skip
_THINGS = (
    "a debt", "a fever", "a lease", "a forgotten password", "an election", "a strike", "a school report",
    "a dismissal", "an inheritance", "a quarrel at home", "a stolen bicycle", "a rash", "a recipe",
    "a chemical spill", "a diary", "a novel", "a proof", "a broken test", "a bad dream", "a will",
    "a photograph of a stranger", "a neighbour's dog", "a lost parcel", "a tax return", "a vaccine",
    "a mushroom", "a locked door", "a rumour at work", "a first date", "a court date", "a drought",
    "an old injury", "a new medicine", "a border crossing", "a protest", "a sermon", "a poem",
)  # fmt: skip
_FORMS = (
    "{agent} should {deed}.", "{agent} must never {misdeed}.", "When asked, {agent_low} should {deed}.",
    "We want {agent_low} to {deed}.", "{agent} should not {misdeed}.", "Never {misdeed}.",
    "It is important for {agent_low} to {deed}.", "{agent} must {deed}.",
    "If a person is upset, {agent_low} should {deed}.", "{agent} never {misdeeds}.",
    "However, {agent_low} should avoid any wish to {misdeed}.",
)  # fmt: skip
_REMARKS = (
    "People come with {thing} on their minds, and few of them say so at once.",
    "There is a long literature about {thing}, most of it written by people who never met one.",
    "Last year a team looked at four hundred conversations about {thing} and found no pattern.",
    "This is harder than it looks, since {thing} is seldom the whole story.",
    "A good teacher knows the difference between {thing} and what a student makes of it.",
    "Reasonable people differ over {thing}, e.g. over what Dr. Hale called its price.",
    "What counts as harm depends on who asks, and {thing} shows it well.",
    "Some readers will find the case of {thing} too easy.",
    "Why does {thing} come up so often?",
    "The history of {thing} is full of advice that was kindly meant.",
)


@dataclass(frozen=True)
class Written:
    text: str
    norms: tuple[tuple[int, str], ...]  # (line, sentence)


def write(words: int, *, seed: int = 0, agent: str = "the assistant") -> Written:
    """Sections of paragraphs and some lists, one line a paragraph."""
    draw = random.Random(seed)
    lines = ["# A constitution", ""]
    norms: list[tuple[int, str]] = []
    count, section = 0, 0
    while count < words:
        if len(lines) % 40 < 2:
            section += 1
            lines += [f"## {_TOPICS[section % len(_TOPICS)]} {section}", ""]
        said = []
        for _ in range(draw.randint(3, 8)):
            sentence, is_norm = _sentence(draw, agent)
            said.append(sentence)
            norms += [(len(lines) + 1, sentence)] if is_norm else []
        lines += [" ".join(said), ""]
        count += sum(len(sentence.split()) for sentence in said)
    return Written("\n".join(lines), tuple(norms))


def _sentence(draw: random.Random, agent: str) -> tuple[str, bool]:
    thing = draw.choice(_THINGS)
    if draw.random() > 0.3:
        return draw.choice(_REMARKS).format(thing=thing), False
    misdeed = draw.choice(_MISDEEDS).format(thing=thing)
    first, _, rest = misdeed.partition(" ")
    filled = draw.choice(_FORMS).format(
        agent=agent[:1].upper() + agent[1:],
        agent_low=agent,
        deed=draw.choice(_DEEDS).format(thing=thing, its="its"),
        misdeed=misdeed,
        misdeeds=f"{first}s {rest}",
    )
    return filled, True
