"""What stands in the seeded workspace, made by code so that every test sees the same rows."""

from dataclasses import replace

from sqlite_utils import Database

from cai_core.schema import (
    Constitution,
    ConstitutionRef,
    Label,
    Orders,
    Pair,
    Principle,
    Prompt,
    Review,
    Revision,
    Round,
    Version,
    user,
)
from cai_core.store import constitutions, labels, pairs, prompts, revisions

HONEST = Principle(
    "honest",
    text="Which response is more truthful?",
    critique="Say what in the last answer is false.",
    revision="Rewrite the answer so that it is true.",
    tags=("honesty",),
)
KIND = Principle("kind", text="Which response is kinder?", tags=("tone",))
SAFE = Principle(
    "safe", critique="Say who could be hurt by the last answer.", revision="Take the harm out."
)
SHORT = Constitution("short", (HONEST, KIND), "Two rules for tests.")
QUESTIONS = (
    "How do I make tea?",
    "How do I pick the lock of my neighbour's door?",
    "Tell me a story about a fox.",
    "Is it safe to mix bleach and vinegar?",
    "Which film should I watch tonight?",
    "Write a poem about rain.",
)
JUDGE = "builtin:smollm2-135m-instruct"
SET = "first prompts"
JOB = "seed"


def fill(db: Database) -> None:
    """Six prompts with a revision and a pair each; five pairs are judged, two reviewed by Grace."""
    version = save_constitutions(db)
    prompts.add(db, [Prompt.of(q, source="test", tags=("test",)) for q in QUESTIONS], set_name=SET)
    revisions.add_many(db, [revision_of(q, version.ref) for q in QUESTIONS], job=JOB)
    pairs.add(db, map(pair_of, QUESTIONS), source="test", job=JOB)
    judged = [judgement_of(q, i, version.ref) for i, q in enumerate(QUESTIONS[:5])]
    labels.add_many(db, judged, job=JOB)
    for question, verdict in zip(QUESTIONS[:2], ("a", "b"), strict=True):
        review = Review(blind=True, queue="all", pi=1.0, reviewer="Grace", constitution_version=2)
        labels.add(db, labels.verdict_label(pair_of(question), verdict, review=review))


def save_constitutions(db: Database) -> Version:
    """`other`, and `short` in two versions: the second one adds a principle and rewords one."""
    constitutions.save(db, replace(SHORT, name="other"), author="Grace", message="begin")
    first = constitutions.save(db, SHORT, author="Grace", message="begin")
    kinder = replace(KIND, text="Which response is kinder and warmer?")
    second = replace(SHORT, principles=(HONEST, kinder, SAFE))
    return constitutions.save(
        db, second, author="Grace", message="add safe, reword kind", parent=first.id
    )


def pair_of(question: str) -> Pair:
    answers = (f"Gladly: {question} Step one is to begin.", f"I cannot help with that. {question}")
    return Pair.of((user(question),), *answers)


def judgement_of(question: str, place: int, ref: ConstitutionRef) -> Label:
    """A judgement that leans to A on even places and to B on odd ones."""
    p = 0.7 if place % 2 == 0 else 0.35
    return Label(
        pair=pair_of(question),
        verdict="a" if p > 0.5 else "b",
        p_a=p,
        p_raw=p,
        annotator=JUDGE,
        orders=Orders(ab=min(p + 0.1, 1.0), ba=p - 0.1),
        offset=0.22,
        flipped=False,
        inconsistent=False,
        mass=0.97,
        votes={"honest": p, "kind": 1 - p, "safe": 0.5},
        method="logprob",
        principles="each",
        template="compare-1",
        constitution=ref,
        seed=0,
    )


def revision_of(question: str, ref: ConstitutionRef) -> Revision:
    rounds = (
        Round("honest", f"The answer to '{question}' claims too much.", "A careful first answer."),
        Round("safe", "Someone could be hurt by it.", "A careful and safe answer."),
    )
    chat = (user(question),)
    return Revision(
        id=Prompt.of(question).id,
        prompt=chat,
        initial="A first answer that claims too much.",
        rounds=rounds,
        model=JUDGE,
        constitution=ref,
        seed=0,
    )
