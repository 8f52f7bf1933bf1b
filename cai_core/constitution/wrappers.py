"""What stands around a wording in the files of others, for the prompts that they build of it.

The paper's files have `\\n\\nCritiqueRequest: ...\\n\\nCritique:`, `\\n\\nRevisionRequest: ...\\n\\nRevision:`
and, around comparisons, `\\n... Options:` (anthropics/ConstitutionalHarmlessnessPaper, prompts/).
"""

import re
from dataclasses import dataclass

# Repeats are bounded: what is matched may be any text of any length.
_S = r"\s{0,9}"
_INST = rf"(?:<s>)?{_S}(?:\[/?INST\])?{_S}"
_TAIL = 80  # characters in which an end is looked for


@dataclass(frozen=True)
class Wrapper:
    """The paper's own beginning and end, and how other files vary them."""

    before: str
    after: str
    _begins: re.Pattern[str]
    _ends: re.Pattern[str]

    def put_on(self, wording: str) -> str:
        return f"{self.before}{wording}{self.after}"

    def taken_off(self, raw: str) -> str:
        """The bare wording; exactly what `put_on` was given, where the wrapper is the paper's."""
        if self.is_on(raw):
            return raw[len(self.before) : len(raw) - len(self.after)]
        text = raw.strip()
        begun = self._begins.match(text)
        text = text[begun.end() :] if begun else text
        head, tail = text[:-_TAIL], text[-_TAIL:]
        return (head + self._ends.sub("", tail, count=1)).strip()

    def is_on(self, raw: str) -> bool:
        """Whether it is the paper's, to the letter, around something."""
        room = len(raw) > len(self.before) + len(self.after)
        return room and raw.startswith(self.before) and raw.endswith(self.after)


def _request(word: str) -> Wrapper:
    return Wrapper(
        f"\n\n{word}Request: ",
        f"\n\n{word}:",
        re.compile(rf"{_INST}(?:{word}[ _-]?Request{_S}:)?", re.IGNORECASE),
        re.compile(rf"{_INST}(?:\n{_S}{word}{_S}:)?{_INST}$", re.IGNORECASE),
    )


CRITIQUE = _request("Critique")
REVISION = _request("Revision")
COMPARISON = Wrapper(
    "\n",
    " Options:",
    re.compile(_INST),
    re.compile(rf"{_INST}(?:\bOptions{_S}:)?{_INST}$", re.IGNORECASE),
)
