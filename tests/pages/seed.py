"""What stands in the seeded workspace, made by code so that every test sees the same rows."""

from dataclasses import replace

from sqlite_utils import Database

from cai_core.schema import Constitution, Principle, Prompt, Version
from cai_core.store import constitutions, prompts

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
)


def fill(db: Database) -> None:
    save_constitutions(db)
    prompts.add(db, [Prompt.of(q, source="test") for q in QUESTIONS], set_name="first prompts")


def save_constitutions(db: Database) -> Version:
    """`short` in two versions (the second one adds a principle and rewords one), and `other`."""
    first = constitutions.save(db, SHORT, author="Grace", message="begin")
    kinder = replace(KIND, text="Which response is kinder and warmer?")
    second = replace(SHORT, principles=(HONEST, kinder, SAFE))
    constitutions.save(db, replace(SHORT, name="other"), author="Grace")
    return constitutions.save(
        db, second, author="Grace", message="add safe, reword kind", parent=first.id
    )
