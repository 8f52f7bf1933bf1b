"""How a judge is asked which of two answers is better: templates from `data/templates/compare.yaml`.

A template is a text with named places. Whatever does not depend on the principle stands in front,
so that it is read once for all principles of a pair, worked examples before everything. A begun
assistant turn makes the option the very next token. A template's name stands on every label, with
the examples and the third option where there are some: labels are comparable under one of these.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cai_core.errors import ConstitutionError, DataError
from cai_core.feedback.examples import Worked, chosen, shipped_comparisons
from cai_core.feedback.fence import conversation_text, fenced
from cai_core.schema import Chat, Pair, Principle, assistant, content_hash, user
from cai_core.settings import DATA_DIR, JudgeSetting

COMPARE = "compare-1"  # the template where none is named
WHOLE = "whole"
TEMPLATES = DATA_DIR / "templates" / "compare.yaml"

_DATA_PLACES = ("conversation", "response_a", "response_b")
_FRAME_PLACES = (*_DATA_PLACES, "question", "ask", "abstain")
_PLACE = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class Template:
    """One wording of the comparison; the fields are told in the file of the templates."""

    name: str
    about: str
    frame: str
    ask: str
    reasoned: str
    two: str
    three: str
    abstain: str
    begun: str
    reasoning: str
    letters: tuple[str, ...]

    @cached_property
    def markers(self) -> tuple[str, ...]:
        """The lines around the conversation and both answers."""
        lines = self.frame.split("\n")
        found = []
        for name in _DATA_PLACES:
            place = lines.index(f"{{{name}}}")
            found += [lines[place - 1], lines[place + 1]]
        return tuple(found)

    def filled(self, pair: Pair, question: str, *, reasoned: bool, abstain: bool) -> str:
        """The question on a pair as the judge reads it."""
        options = self.three if abstain else self.two
        ask = (self.reasoned if reasoned else self.ask).replace("{options}", options)
        values = {
            "conversation": conversation_text(pair.prompt),
            "response_a": fenced(pair.response_a),
            "response_b": fenced(pair.response_b),
            "question": question,
            "ask": ask,
            "abstain": f" {self.abstain}" if abstain else "",
        }
        return _PLACE.sub(lambda place: values[place[1]], self.frame)

    def verdict(self, letter: str) -> str:
        """The begun verdict with this letter behind it.

        A begun bracket is closed; else a space stands between.
        """
        return f"{self.begun}{letter})" if self.begun.endswith("(") else f"{self.begun} {letter}"

    def read_verdict(self, text: str) -> str | None:
        """The letter that a reply begins with; None where it is anything else than a bare verdict.

        >>> template_named("").read_verdict("Response B"), template_named("").read_verdict("A cat")
        ('B', None)
        """
        found = self._readable.match(text)
        return found.group(1) if found else None

    @cached_property
    def _readable(self) -> re.Pattern[str]:
        *lead, last = (re.escape(word) for word in re.findall(r"[\w']+", self.begun))
        begun = "(?:" + "".join(rf"{word}\W+" for word in lead) + ")?"
        return re.compile(
            rf"\W*(?i:{begun})(?i:(?:{last}|response|option|answer|assistant)\b)?"
            rf"\W*([{''.join(self.letters)}])(?:\s*$|[^\w\s/]|\s*\n|\s+because\b)"
        )


@dataclass(frozen=True)
class Wording:
    """A template as it is used: whether a principle may abstain, and the examples in front."""

    template: Template
    abstain: bool = False
    examples: tuple[Worked, ...] = ()
    reasoned: bool = False  # the judge reasons before it answers

    @classmethod
    def of(cls, setting: JudgeSetting, examples: Sequence[Worked]) -> "Wording":
        """How this setting words it; all principles in one question always apply somewhere.

        Raises:
            ConstitutionError: a template that is not there.
        """
        reasoned = setting.method == "cot"
        return cls(
            template_named(setting.template),
            setting.abstain and setting.principles != "whole",
            chosen(examples, setting.examples, reasoned=reasoned),
            reasoned,
        )

    @property
    def name(self) -> str:
        """What stands on a label: "compare-1", "compare-1+4ex.0123abcd+abstain"."""
        parts = [self.template.name]
        if self.examples:
            digest = content_hash([one.to_row() for one in self.examples], digits=8)
            parts.append(f"{len(self.examples)}ex.{digest}")
        return "+".join(parts + ["abstain"] * self.abstain)

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """What is scored for each letter, with and without a space: it depends on the tokenizer.

        On 12 hh pairs the built-in model gives " A" and "A" with their like 0.98 of its
        probability; after a begun verdict that ends in a space it gives them 0.08.
        """
        letters = self.template.letters[: 3 if self.abstain else 2]
        return tuple((f" {letter}", letter) for letter in letters)

    def with_examples(self, count: int) -> "Wording":
        """The same with only the first examples."""
        return Wording(self.template, self.abstain, self.examples[:count], self.reasoned)

    def comparison_chat(self, pair: Pair, question: str, reasoning: str | None = None) -> Chat:
        """Ask which answer is better, `response_a` shown first, up to the letter.

        Args:
            reasoning: what the judge reasoned before, None where it has not.
        """
        begun = self.template.begun
        if reasoning is not None:
            begun = f"{self.template.reasoning} {reasoning.strip()}\n\n{begun}"
        return (*self._worked, user(self._filled(pair, question)), assistant(begun))

    def reasoning_chat(self, pair: Pair, question: str) -> Chat:
        """Ask for the reasoning that comes before the verdict."""
        asked = user(self._filled(pair, question))
        return (*self._worked, asked, assistant(self.template.reasoning))

    def _filled(self, pair: Pair, question: str) -> str:
        return self.template.filled(pair, question, reasoned=self.reasoned, abstain=self.abstain)

    @cached_property
    def _worked(self) -> Chat:
        """The examples as turns that were had before."""
        turns = []
        for one in self.examples:
            said = self.template.verdict(self.template.letters["ab".index(one.verdict)])
            if self.reasoned:
                said = f"{self.template.reasoning} {one.reasoning}\n\n{said}"
            turns += [user(self._filled(one.pair, one.principle)), assistant(said)]
        return tuple(turns)


# -- questions


def comparison_question(principle: Principle) -> str:
    """What is asked of two answers; made from the critique request where there is no text."""
    if principle.text.strip():
        return principle.text.strip()
    return (
        f'Someone reads both responses with this request: "{principle.critique.strip()}"'
        " In which response do they find less?"
    )


def whole_question(principles: Sequence[Principle]) -> str:
    """All principles in one question."""
    return (
        "Take all of these questions together:\n"
        + "\n".join(f"- {comparison_question(p)}" for p in principles)
        + "\nWhich response is better?"
    )


# -- templates


def check_template(name: str) -> str:
    """The template's name; "" is the default.

    Raises:
        ConstitutionError: a template that is not there.
    """
    return template_named(name).name


def template_names() -> tuple[str, ...]:
    """Every comparison template that there is."""
    return tuple(shipped_templates())


def label_template(setting: JudgeSetting, examples: Sequence[Worked] | None = None) -> str:
    """What stands as `template` on labels made under this setting.

    Args:
        examples: what its number of examples is taken from; those that ship unless told.
    Raises:
        ConstitutionError: a template that is not there.
    """
    return Wording.of(setting, shipped_comparisons() if examples is None else examples).name


def template_named(name: str) -> Template:
    """A shipped template; "" is the default. Raises ConstitutionError."""
    there = shipped_templates()
    found = there.get(name or COMPARE)
    if found is None:
        raise ConstitutionError(
            f"there is no comparison template '{name}'; there are {', '.join(there)}"
        )
    return found


@lru_cache(maxsize=1)
def shipped_templates() -> Mapping[str, Template]:
    """All that ship, by name, in their order."""
    return read_templates(TEMPLATES)


def read_templates(path: Path) -> dict[str, Template]:
    """Templates of a file by name.

    Raises:
        DataError: unreadable, a missing field or place, an unknown place, a marker that an answer
            could imitate, or a name twice; says file, template and place.
    """
    try:
        rows = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())[:200]
        raise DataError(f"cannot be read as YAML: {said}", file=str(path)) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError("must be a list of templates", file=str(path))
    found: dict[str, Template] = {}
    for row in rows:
        try:
            template = _template(row)
            if template.name in found:
                raise DataError("its name stands there twice; give every wording its own")
        except DataError as error:
            name = row.get("name") or "without a name"
            raise DataError(f"template '{name}': {error.reason}", file=str(path)) from error
        found[template.name] = template
    return found


def _template(row: Mapping[str, object]) -> Template:
    for field in fields(Template):
        value = row.get(field.name)
        if field.name != "letters" and not (isinstance(value, str) and value.strip()):
            raise DataError(f"'{field.name}' is missing or empty; fill it")
    letters = row.get("letters")
    if not isinstance(letters, list) or [len(str(one)) for one in letters] != [1, 1, 1]:
        raise DataError("'letters' must be three single letters: first, second, neither")
    texts = {field.name: str(row[field.name]) for field in fields(Template)}
    template = Template(**texts | {"letters": tuple(map(str, letters))})  # type: ignore[arg-type]
    _check_places("frame", template.frame, _FRAME_PLACES)
    _check_places("ask", template.ask, ("options",))
    _check_places("reasoned", template.reasoned, ("options",))
    _check_frame(template)
    return template


def _check_places(field: str, text: str, places: Sequence[str]) -> None:
    """Every place once, and no other."""
    named = _PLACE.findall(text)
    for name in named:
        if name not in places:
            known = ", ".join(f"{{{place}}}" for place in places)
            raise DataError(f"'{field}' names the place {{{name}}}; there are only {known}")
    for name in places:
        if named.count(name) != 1:
            how = "lacks" if name not in named else "has more than once"
            raise DataError(f"'{field}' {how} the place {{{name}}}; write it there once")


def _check_frame(template: Template) -> None:
    """Data between lines of its own that a fenced text cannot contain, the question behind it all."""
    lines = template.frame.split("\n")
    for name in _DATA_PLACES:
        if f"{{{name}}}" not in lines[1:-1]:
            raise DataError(f"{{{name}}} must stand alone on its line, between two markers")
    for marker in template.markers:
        if fenced(marker) == marker or template.markers.count(marker) > 1:
            raise DataError(
                f"'{marker}' cannot mark where a text begins or ends, an answer could imitate it;"
                " use markers like those of compare-1"
            )
    if template.frame.index("{question}") < template.frame.index("{response_b}"):
        raise DataError("{question} must stand behind {response_b}: what is in front is shared")
