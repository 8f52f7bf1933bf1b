"""Rewordings that keep the meaning of a question: placebo edits.

A judge answers otherwise even when a question is only put in other words. How much, is the noise
that a real edit must rise above. Rules, not a model: a frame is put otherwise, words are changed for
their nearest synonyms, and a phrase that says nothing is put before or behind.
"""

import random
import re
from collections.abc import Iterator

_FRAMES = (
    (r"^Which (?:of (?:the|these) )?(?:two )?responses?\b", "Which of the two answers"),
    (r"^Which (?:of (?:the|these) )?(?:two )?responses?\b", "Which one of the responses"),
    (r"^Which (?:of (?:the|these) )?(?:two )?responses?\b", "Of the two, which response"),
    (r"^Which (?:of (?:the|these) )?(?:two )?answers?\b", "Which of the two responses"),
    (r"^Which (?:of (?:the|these) )?(?:two )?answers?\b", "Of the two, which answer"),
    (r"^(?:Choose|Pick|Select) the response that\b", "Select the answer that"),
    (r"^(?:Choose|Pick|Select) the response that\b", "Pick the one response that"),
)
# The second can stand for the first wherever that stands in a principle; words whose nearest synonym
# asks for something else ("careful", "ethical") or that are verbs too ("answer") are left out.
_SYNONYMS = (
    *(("response", "answer"), ("responses", "answers"), ("person", "individual")),
    *(("dangerous", "hazardous"), ("illegal", "unlawful"), ("unlawful", "illegal")),
    *(("honest", "truthful"), ("truthful", "honest"), ("polite", "courteous")),
    *(("gives", "provides"), ("provides", "gives"), ("shows", "displays"), ("helps", "assists")),
    *(("refuses", "declines"), ("refusing", "declining"), ("says", "states"), ("while", "whilst")),
    *(("for example", "for instance"), ("cannot", "can't"), ("does not", "doesn't")),
    *(("do not", "don't"), ("is not", "isn't"), ("would not", "wouldn't"), ("harmful", "damaging")),
    *(("helpful", "useful"), ("often", "frequently"), ("rude", "impolite")),
    *(("someone", "somebody"), ("anyone", "anybody"), ("nobody", "no one"), ("kids", "children")),
    *(
        ("everyone", "everybody"),
        ("wise", "sensible"),
        ("tries", "attempts"),
        ("about", "regarding"),
    ),
    *(("more likely", "likelier"), ("people who", "those who"), ("user", "person who asks")),
)
_BEFORE = ("", "Please tell: ", "Now decide: ", "The question is: ", "Consider this: ", "Say: ")
_BEHIND = ("", " Decide.", " Make your choice.", " Take one.", " Which one is it?")
_SHARE = 0.5  # of the synonyms that fit are put in


def rewordings(question: str, *, count: int, seed: int = 0) -> list[str]:
    """Different texts that ask the same; the first ones by frame and synonyms alone.

    Returns:
        `count` texts, or fewer where the rules give no more; none is the question itself.

    >>> rewordings("Which response is more polite?", count=2, seed=1)
    ['Which response is more courteous?', 'Of the two, which response is more courteous?']
    """
    made: dict[str, None] = {}
    if count <= 0:
        return []
    for text in _tries(question, random.Random(f"{seed} {question}")):
        if text != question and text not in made:
            made[text] = None
        if len(made) == count:
            break
    return list(made)


def _tries(question: str, rng: random.Random) -> Iterator[str]:
    for _ in range(40):
        yield _in_other_words(question, rng)
    for _ in range(400):
        text = _in_other_words(question, rng) if rng.random() < 0.7 else question
        yield rng.choice(_BEFORE) + text + rng.choice(_BEHIND)


def _in_other_words(question: str, rng: random.Random) -> str:
    text = question
    fitting = [(found, put) for found, put in _FRAMES if re.search(found, text)]
    if fitting and rng.random() < 0.6:
        found, put = rng.choice(fitting)
        text = re.sub(found, put, text, count=1)
    for one, other in _SYNONYMS:
        if rng.random() < _SHARE:
            text = _put(text, one, other)
    return text


def _put(text: str, found: str, put: str) -> str:
    """`put` wherever `found` stands; capitals and articles follow."""
    changed = re.sub(
        rf"\b{re.escape(found)}\b", lambda match: _cased(match[0], put), text, flags=re.IGNORECASE
    )
    return text if changed == text else _with_articles(changed)


def _cased(found: str, put: str) -> str:
    return put[0].upper() + put[1:] if found[0].isupper() else put


def _with_articles(text: str) -> str:
    """
    >>> _with_articles("a individual and an person")
    'an individual and a person'
    """
    text = re.sub(
        r"\b([Aa]) (?=(?:answer|individual|unlawful|illegal|impolite|honest)\b)", r"\1n ", text
    )
    return re.sub(
        r"\b([Aa])n (?=(?:response|person|hazardous|truthful|useful|courteous)\b)", r"\1 ", text
    )
