"""Keys of principles that come without one: short, readable, unique."""

import re
from collections.abc import Iterable, Sequence
from itertools import count

LONGEST = 60
_WORDS = 4
# Words that tell no principle from another, in the wordings that comparisons and requests begin with.
_EMPTY_WORDS = (
    "a about above all also an and any anything are as assistant at be been being better both but by"
    " can careful carefully choose claude closer comes compare critique degree discuss do does each"
    " for from has have how i identify if in into is it its itself last least less likely look model"
    " more most much must not note of on one or other our out please point preceding prefer"
    " precedings question read remove response responses revise rewrite say says should so some"
    " specific specifically strongest such take takes than that the their them then there these they"
    " think this those to too two us user users very want was way ways we what when where whether"
    " which while who why will with would you your argument could give answer answers care further"
    " comment whose between were only answered options human assistants"
)
_EMPTY = set(_EMPTY_WORDS.split())


def slug(text: str) -> str:
    """Lower case, everything but letters, digits, `_`, `.` and `-` made a hyphen; "" is possible.

    >>> slug("Be honest!"), slug("harmful0")
    ('be-honest', 'harmful0')
    """
    hyphened = re.sub(r"[^\w.-]+", "-", text.lower())
    return re.sub("-{2,}", "-", hyphened)[:LONGEST].strip("-.")


def from_words(text: str, *, otherwise: str = "principle") -> str:
    """A key of the first telling words of a wording.

    >>> from_words("Which response is more honest about what it does not know?")
    'honest-know'
    """
    words = re.findall(r"[^\W\d_]{2,}", re.sub(r"['’]\w+", "", text.lower()))
    telling = list(dict.fromkeys(word for word in words if word not in _EMPTY))
    return slug("-".join(telling[:_WORDS])) or otherwise


def unique(wanted: Sequence[str], *, taken: Iterable[str] = ()) -> list[str]:
    """The keys, numbered where one stands already.

    >>> unique(["kind", "kind", "calm"], taken=["calm"])
    ['kind', 'kind-2', 'calm-2']
    """
    seen, found = set(taken), []
    for key in wanted:
        numbered = (f"{key}-{n}" for n in count(2))
        free = key if key not in seen else next(k for k in numbered if k not in seen)
        seen.add(free)
        found.append(free)
    return found
