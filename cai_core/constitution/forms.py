"""The forms in which a constitution comes and goes, told apart by content; what each loses is listed.

yaml                everything
markdown            headings as tags, list items and short paragraphs as principles
prose               long text; in only, by way of candidates that a person accepts (see `prose`)
paper-comparisons   the CAI paper's JSON: a list of texts
paper-critiques     the CAI paper's JSON: {name: {prompt, edit_request}}
recipe              the Hugging Face recipe's JSON: {constitutions: [{critic, revision}]}
"""

import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from cai_core.constitution import document, json_tree, losses, markdown, markdown_out, paper, recipe
from cai_core.constitution.json_tree import Node
from cai_core.constitution.plain_text import bytes_of, decoded, fault, require_few
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution

Form = Literal["yaml", "markdown", "prose", "paper-comparisons", "paper-critiques", "recipe"]
FORMS: tuple[Form, ...] = get_args(Form)
OUT: tuple[Form, ...] = tuple(form for form in FORMS if form != "prose")
TITLES: dict[Form, str] = {
    "yaml": "YAML",
    "markdown": "Markdown",
    "prose": "Long prose",
    "paper-comparisons": "CAI paper, comparisons (JSON)",
    "paper-critiques": "CAI paper, critiques (JSON)",
    "recipe": "Hugging Face recipe (JSON)",
}
_SUFFIXES = {"yaml": ".yaml", "markdown": ".md"}
_YAML_FIELD = re.compile(r"^[\"']?principles[\"']?\s*:", re.MULTILINE)
_JSON_BEGINS = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\"{])")
_LISTS = (
    0.65  # share of words in items and short paragraphs from which on a text is a list of rules
)
_LONGEST_NAME = 60
_SHAPES = (
    "a list of texts, {name: {prompt, edit_request}}, {constitutions: [{critic, revision}]} or"
    " {name, principles}"
)


@dataclass(frozen=True)
class Imported:
    """A constitution that was read; `left_out` says what of the file it could not take."""

    form: Form
    constitution: Constitution
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exported:
    """A file to write; `left_out` says what of the constitution it cannot hold."""

    form: Form
    text: str
    left_out: tuple[str, ...] = ()


def suffix(form: Form) -> str:
    return _SUFFIXES.get(form, ".json")


def recognise(data: bytes | str, *, name: str) -> Form:
    """The form of a file, by its content first and its name where that is not enough.

    Raises:
        ConstitutionError: it is no text, or JSON of another shape.
    """
    text, ending = decoded(data, name), Path(name).suffix.lower()
    if ending in (".yaml", ".yml") and not _is_json(text):
        return "yaml"
    if ending == ".json" or _JSON_BEGINS.match(text) or _is_json(text):
        return _json_form(_parsed(text, name), name)
    if ending not in (".md", ".markdown") and _YAML_FIELD.search(text):
        return "yaml"
    return "markdown" if markdown.share_of_principles(text) >= _LISTS else "prose"


def read(data: bytes | str, *, name: str, form: Form | None = None, called: str = "") -> Imported:
    """Read a file of any form but prose.

    Args:
        name: of the file; stands in front of errors, and names what has no name of its own.
        form: None to recognise it.
        called: the constitution's name, where its own should not stand.
    Raises:
        ConstitutionError: what cannot be read or used, with its line; nothing is taken over then.
    """
    text = decoded(data, name)
    chosen = form or recognise(text, name=name)
    if chosen == "prose":
        raise fault(
            name,
            None,
            "is long prose; its principles are candidates first, of which you accept those you"
            " want (`constitution candidates`, or upload it on the constitution page)",
        )
    left: list[str] = []
    if chosen == "yaml":
        found = document.parse(text, name=name)
    elif chosen == "markdown":
        found, left = markdown.read(text, name=name)
    else:
        found, left = _from_json(text, chosen, name)
    own = found.name if found.name.strip() else name_of(Path(name).stem)
    named = replace(found, name=name_of(called) or own)
    return Imported(chosen, _checked(named, name), tuple(left))


def read_file(path: Path) -> Imported:
    """`read` of a file on disk, whose form is recognised."""
    return read(bytes_of(path), name=str(path))


def write(constitution: Constitution, form: Form) -> Exported:
    """The file of a constitution in a form.

    Raises:
        ConstitutionError: the form is prose, or can hold none of the principles.
    """
    if form == "yaml":
        return Exported(form, document.dump(constitution))
    if form == "prose":
        raise ConstitutionError("a constitution is not written as prose; choose another form")
    kept = constitution.enabled
    if form == "markdown":
        text, left = markdown_out.write(constitution)
        return Exported(form, text, tuple(left))
    if form == "recipe":
        text, left = recipe.write(kept)
    elif form == "paper-critiques":
        text, left = paper.write_critiques(kept)
    else:
        text, left = paper.write_comparisons(kept)
    needed = "text" if form == "paper-comparisons" else "critique"
    if not any(getattr(principle, needed).strip() for principle in kept):
        wording = "comparison wording" if needed == "text" else "critique request"
        raise ConstitutionError(
            f"no enabled principle of '{constitution.name}' has a {wording}, and"
            f" {TITLES[form]} holds nothing else; choose another form"
        )
    return Exported(form, text, (*losses.of_constitution(constitution, holds=()), *left))


def name_of(text: str) -> str:
    """A constitution's name made of a file's: one line, not long.

    >>> name_of("my_house  rules")
    'my_house rules'
    """
    return " ".join(text.split())[:_LONGEST_NAME].strip()


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("[", "{"):
        return False
    try:
        json.loads(text, parse_int=float)
    except (ValueError, RecursionError):
        return False
    return True


@lru_cache(maxsize=1)  # a file is recognised first and read then
def _parsed(text: str, name: str) -> Node:
    return json_tree.parse(text, name=name)


def _json_form(tree: Node, name: str) -> Form:
    """By the shape of the whole and of its first entry."""
    if tree.kind == "list" and tree.items:
        first = tree.items[0]
        return "recipe" if first.kind == "object" else "paper-comparisons"
    if tree.kind == "object" and "principles" in tree.fields:
        return "yaml"
    if tree.kind == "object" and "constitutions" in tree.fields:
        return "recipe"
    if tree.kind == "object" and tree.fields:
        first = next(iter(tree.fields.values()))
        if first.kind == "object":
            return "paper-critiques"
    raise fault(name, tree.line, f"is JSON, but not of a constitution: {_SHAPES}")


def _from_json(text: str, form: Form, name: str) -> tuple[Constitution, list[str]]:
    tree = _parsed(text, name)
    found = _json_form(tree, name)
    if found != form:
        raise fault(
            name, tree.line, f"is no {TITLES[form]} but looks like {TITLES[found]}; choose that"
        )
    entries = tree.fields.get("constitutions", tree)
    require_few(len(entries.items) + len(entries.fields), name)
    if form == "recipe":
        principles, left = recipe.read(tree, name=name)
    elif form == "paper-critiques":
        principles, left = paper.read_critiques(tree, name=name)
    else:
        principles, left = paper.read_comparisons(tree, name=name)
    if not principles:
        raise fault(name, tree.line, "has no principle; write at least one")
    require_few(len(principles), name)
    return Constitution("", tuple(principles)), left


def _checked(constitution: Constitution, name: str) -> Constitution:
    """Itself where it can be used; half a surrogate pair comes in through an escape of JSON."""
    try:
        return Constitution.from_row(constitution.to_row()).check()
    except ConstitutionError as error:
        raise fault(name, None, str(error)) from error
