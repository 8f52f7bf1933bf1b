"""A principle from an answer: a person praises, criticises or rewrites it, and a model words the rule.

The model is shown the exchange and the remark, and finishes a begun question: "Which response". Only
one whole question is taken from what it writes. Where it writes none, the remark itself is put into a
question by rule and the draft says so: a person edits it in any case.
"""

import re
from dataclasses import dataclass
from typing import Literal

from cai_core.constitution import keys
from cai_core.feedback.fence import conversation_text, fenced
from cai_core.models.protocol import Model
from cai_core.schema import Chat, Principle, Sampling, assistant, user

Kind = Literal["praise", "criticise", "rewrite", "overrule"]
BEGUN = "Which response"
TOKENS = 60  # the longest wording that ships has 35 words
SHORTEST, LONGEST = 4, 60  # words of a question that can be a principle
KEY_WORDS = 3

_SAID = {
    "praise": "A reader likes this about the response",
    "criticise": "A reader dislikes this about the response",
    "rewrite": "A reader has rewritten the response, and says why",
    "overrule": "A reader prefers the second response to the first, and says why",
}
_EXAMPLES = (
    (
        "A reader dislikes this about the response: It lectures me before it says anything useful.",
        "Which response helps first and does not lecture the person who asks?",
    ),
    (
        "A reader likes this about the response: It says how sure it is.",
        "Which response says more honestly how sure it is of what it claims?",
    ),
)
_ASK = (
    "Turn the reader's remark into one general question that can be asked of any two responses. Begin with"
    ' "Which response" and end with a question mark.'
)
_EDIT = (
    "There is such a question already: {question}\nWord it anew so that it covers the remark too."
)
_STOP = frozenset(
    {"which", "response", "is", "does", "more", "less", "the", "a", "an", "and", "or", "of", "to"}
    | {"in", "that", "it", "its", "for", "with", "than", "be", "not", "on", "any"}
)


@dataclass(frozen=True)
class Remark:
    """What a person says of an answer; `better` is the rewritten or the preferred one, if there is one."""

    kind: Kind
    prompt: Chat
    answer: str
    says: str
    better: str = ""


@dataclass(frozen=True)
class Drafted:
    """A wording for a principle; `by_rule` where the model wrote none that can be used."""

    text: str
    by_rule: bool = False

    def as_principle(self, taken: frozenset[str] = frozenset()) -> Principle:
        """With a key of its own, made of its first telling words."""
        words = [w for w in re.findall(r"[a-z']+", self.text.lower()) if w not in _STOP]
        (key,) = keys.unique(["-".join(words[:KEY_WORDS]) or "drafted"], taken=taken)
        return Principle(key, text=self.text)


def drafting_chat(remark: Remark, principle: Principle | None = None) -> Chat:
    """What the model sees, up to the begun question; `principle` is the one to word anew."""
    shown = [
        turn
        for said, question in _EXAMPLES
        for turn in (user(f"{said}\n\n{_ASK}"), assistant(question))
    ]
    return (*shown, user(_asked(remark, principle)), assistant(BEGUN))


def _asked(remark: Remark, principle: Principle | None) -> str:
    parts = [
        f"[Conversation]\n{conversation_text(remark.prompt)}",
        f"[Response]\n{fenced(remark.answer)}",
    ]
    if remark.better:
        parts.append(f"[Second response]\n{fenced(remark.better)}")
    parts.append(f"{_SAID[remark.kind]}: {fenced(remark.says.strip()) or '(no words)'}")
    if principle is not None:
        parts.append(_EDIT.format(question=principle.text or principle.critique))
    return "\n\n".join([*parts, _ASK])


def draft(
    remark: Remark, model: Model, *, principle: Principle | None = None, seed: int = 0
) -> Drafted:
    """The model's wording, or the remark's own where that is no question.

    Raises:
        ModelError: it cannot be asked.
    """
    params = Sampling(TOKENS, temperature=0.0, seed=seed)
    (made,) = model.generate([drafting_chat(remark, principle)], params)
    question = read_question(made.text)
    known = {example for _, example in _EXAMPLES} | ({principle.text} if principle else set())
    return by_rule(remark) if question is None or question in known else Drafted(question)


def read_question(reply: str) -> str | None:
    """The one question that a reply goes on with or begins with; None where there is none.

    >>> read_question(" is kinder to the person? It should"), read_question("I cannot say.")
    ('Which response is kinder to the person?', None)
    """
    text = " ".join(reply.split()).lstrip('"*: ')
    if not text.lower().startswith("which "):
        text = f"{BEGUN} {text}"
    found = re.match(
        r"which (?:of the two )?(?:response|answer|one)s?\b[^?]*\?", text, re.IGNORECASE
    )
    if not found:
        return None
    words = len(found[0].split())
    return found[0][0].upper() + found[0][1:] if SHORTEST <= words <= LONGEST else None


def by_rule(remark: Remark) -> Drafted:
    """The remark put into a question as it stands.

    >>> by_rule(Remark("criticise", (), "x", "It lectures.")).text
    'Which response has less of this fault: it lectures?'
    """
    said = " ".join(remark.says.split()).rstrip(".!?") or "what this reader means"
    said = said[0].lower() + said[1:]
    words = {
        "praise": f"Which response has more of this merit: {said}?",
        "criticise": f"Which response has less of this fault: {said}?",
        "rewrite": f"Which response does this better: {said}?",
        "overrule": f"Which response does this better: {said}?",
    }
    return Drafted(words[remark.kind], by_rule=True)
