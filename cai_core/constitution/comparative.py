"""What is asked of an assistant, worded as a question about two responses; "" where that is not safe.

explain its reasoning        Which response does more to explain its reasoning?
not deceive people           Which response takes more care not to deceive people?
be honest                    Which response is more honest?
be a good listener           Which response comes closer to being a good listener?
"""

import re

_LONGEST = 45  # words
_OTHER_PERSON = re.compile(
    r"\b(?:you|your|yourself|we|our|us|i|me|my|his|her|him)\b", re.IGNORECASE
)
# A second main clause would stand in the question as if it were asked too.
_SECOND_CLAUSE = re.compile(
    r"\b(?:should|must|shall|ought to)\b"
    r"|[,;] (?:and|but|so|yet|though|because|since) (?:it|they|this|that|there|claude|we|users?|the \w+)\b"
    r"| [-–—]{1,3} ?(?:and|but|so|yet|though|although|because|since|which|this|that|it)\b"
    r"|\b(?:and|but|or) (?:do not|don['’]t|never|always|avoid)\b|;",
    re.IGNORECASE,
)
_NO_VERB_WORDS = (
    "a an the in on at by of for to from with without as if when where while and or but that this"
    " these those it its he she they we you i only at no some any all each more less most least have"
    " has had been being there so such both either neither even because than just merely"
)
_NO_VERB = frozenset(_NO_VERB_WORDS.split())
_ADJECTIVE = re.compile(
    r"(?:\w+(?:ful|ous|ive|able|ible|ent|ant|less|ic|ish|ate|al)|honest|kind|clear|brief|concise|polite"
    r"|open|fair|safe|warm|direct|frank|precise|calm|humble|even-handed|aware|sincere|forthright|rude"
    r"|vague|candid|willing|wary|mean|preachy|harsh|cold|curious|gentle|wise|friendly|short|long|wordy"
    r"|patronizing|condescending|misleading|annoying|calibrated|balanced|reserved|restrained)$",
    re.IGNORECASE,
)
_NO_DEGREE_WORDS = (
    "final legal illegal private present separate equal political medical personal able"
)
_NO_DEGREE = frozenset(_NO_DEGREE_WORDS.split())
_LISTED = re.compile(r"(?:,? (?:and|or) |, )")


def question(lead: str, verb: str, *, no: bool) -> str:
    """The comparison.

    Args:
        lead: a condition that stands before, with its comma, or "".
        verb: what is asked for, in the infinitive without "to".
        no: whether it must not be done.

    >>> question("If asked, ", "say that it is a machine", no=False)
    'If asked, which response does more to say that it is a machine?'
    >>> question("", "tell you what it must do", no=False)
    ''
    """
    verb = _before_colon(verb.strip())
    whole = f"{lead}{verb}"
    words = verb.split()
    if not words or len(whole.split()) > _LONGEST or _OTHER_PERSON.search(whole):
        return ""
    if _SECOND_CLAUSE.search(verb) or whole.count("(") != whole.count(")"):
        return ""
    base = next((w.lower().strip(",") for w in words if not w.lower().endswith("ly")), "")
    if base in _NO_VERB or not re.fullmatch(r"[a-z-]+", base) or words[0].endswith(","):
        return ""
    said = _being(words, no=no) or (
        f"takes more care not to {verb}" if no else f"does more to {verb}"
    )
    which = "which response" if lead else "Which response"
    return asked(f"{lead[:1].upper()}{lead[1:]}{which} {said}")


def asked(text: str) -> str:
    """
    >>> asked("which is kinder.")
    'Which is kinder?'
    """
    return f"{text[:1].upper()}{text[1:].rstrip('.?!,;: ')}?"


def infinitive(verb: str) -> str:
    """
    >>> infinitive("avoids harm"), infinitive("tries to help"), infinitive("is kind")
    ('avoid harm', 'try to help', 'be kind')
    >>> infinitive("focuses on it"), infinitive("refuses")
    ('focus on it', 'refuse')
    """
    first, _, rest = verb.partition(" ")
    irregular = {"is": "be", "are": "be", "has": "have", "does": "do", "goes": "go"}
    low = first.lower()
    if low in irregular:
        first = irregular[low]
    elif low.endswith("ies") and len(low) > 4:
        first = f"{first[:-3]}y"
    elif re.search(r"(?:ss|sh|ch|x|zz|o|focus|bias)es$", low):
        first = first[:-2]
    elif low.endswith("s") and not low.endswith(("ss", "us")):
        first = first[:-1]
    return f"{first} {rest}".strip()


_YOU = (
    (r"\byourself\b", "itself"),
    (r"\byour\b", "its"),
    (r"\byou(?: are|['’]re)\b", "it is"),
    (r"\byou (?:have|['’]ve)\b", "it has"),
    (r"\byou (?:do not|don['’]t)\b", "it does not"),
    (r"\byou were\b", "it was"),
    (r"\byou (?=(?:can|cannot|can['’]t|could|will|would|might)\b)", "it "),
    (r"\byou(?=$|[,.;)])", "it"),
)


def third_person(text: str) -> str:
    """What is said to the assistant, said of it, as far as that is safe.

    >>> third_person("explain your reasoning when you are asked")
    'explain its reasoning when it is asked'
    """
    for said, of_it in _YOU:
        text = re.sub(said, of_it, text, flags=re.IGNORECASE)
    return text


def _before_colon(verb: str) -> str:
    """What follows a colon explains; what stands before it is asked for."""
    head, colon, _ = verb.partition(": ")
    return head if colon and len(head.split()) >= 2 else verb


def _being(words: list[str], *, no: bool) -> str:
    """`be honest` is more honest; `be a good listener` comes closer to being one; else ""."""
    if words[0].lower() != "be" or len(words) < 2:
        return ""
    rest = words[1:]
    if rest[0].lower() in _NO_VERB - {"a", "an", "the"}:
        return ""
    listed = all(_is_adjective(word) for part in _LISTED.split(" ".join(rest)) for word in [part])
    if _is_adjective(rest[0].strip(",")) and (listed or not no):
        return f"is {'less' if no else 'more'} {' '.join(rest)}"
    if no:  # "not be helpful merely as a duty": the tail is what is denied
        return ""
    return f"comes closer to being {' '.join(rest)}"


def _is_adjective(word: str) -> bool:
    return bool(_ADJECTIVE.match(word)) and word.lower() not in _NO_DEGREE
