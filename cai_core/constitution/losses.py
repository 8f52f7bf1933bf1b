"""What a form cannot hold of a constitution, said in sentences before anybody finds out."""

from collections.abc import Callable, Iterable, Sequence

from cai_core.schema import Constitution, Principle

_NAMED = 5

# A field of a principle: whether there is something in it to lose, and what then is said.
_FIELDS: tuple[tuple[str, Callable[[Principle], bool], str], ...] = (
    ("text", lambda p: bool(p.text.strip()), "the comparison wordings of {}"),
    ("critique", lambda p: bool(p.critique.strip()), "the critique requests of {}"),
    ("revision", lambda p: bool(p.revision.strip()), "the revision requests of {}"),
    ("weight", lambda p: p.weight != 1, "the weights of {}"),
    ("tags", lambda p: bool(p.tags), "the tags of {}"),
    ("source", lambda p: bool(p.source), "the source passages of {}"),
)


def listed(names: Sequence[str]) -> str:
    """
    >>> listed(["a"]), listed(["a", "b", "c", "d", "e", "f", "g"])
    ('a', 'a, b, c, d, e and 2 more')
    """
    shown, rest = names[:_NAMED], len(names) - _NAMED
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def counted(principles: Iterable[Principle]) -> str:
    """
    >>> counted([Principle("a"), Principle("b")])
    '2 principles (a, b)'
    """
    keys = [principle.key for principle in principles]
    return f"{len(keys)} principle{'s' if len(keys) != 1 else ''} ({listed(keys)})"


def of_constitution(constitution: Constitution, *, holds: Iterable[str]) -> list[str]:
    """Name and description, and disabled principles, which no outside form can switch off."""
    held, found = set(holds), []
    if "name" not in held:
        found.append(f"the name '{constitution.name}'")
    if "description" not in held and constitution.description.strip():
        found.append("the description")
    disabled = [p for p in constitution.principles if not p.enabled]
    if disabled:
        found.append(f"{counted(disabled)}, because they are disabled and nothing can say so there")
    return found


def of_critiques(
    principles: Sequence[Principle], *, holds: Iterable[str]
) -> tuple[list[Principle], list[str]]:
    """What a form of critique requests can hold, and all that it leaves out."""
    kept = [p for p in principles if p.critique.strip()]
    out = [p for p in principles if not p.critique.strip()]
    left = [f"{counted(out)}, because they have no critique request"] if out else []
    left += of_principles(kept, holds=holds)
    without = [p for p in kept if not p.revision.strip()]
    if without:
        left.append(f"a revision request for {counted(without)}, which have none")
    return kept, left


def of_principles(principles: Sequence[Principle], *, holds: Iterable[str]) -> list[str]:
    """Fields of the principles that are written out."""
    held = set(holds)
    found = []
    if "key" not in held and principles:
        found.append("the keys, which are made anew from the wordings when it is read again")
    for field, has, said in _FIELDS:
        losing = [principle for principle in principles if has(principle)]
        if field not in held and losing:
            found.append(said.format(counted(losing)))
    return found
