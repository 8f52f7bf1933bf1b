"""Pairs like one: those whose prompts and answers share the rarest words with it."""

from collections.abc import Sequence

from cai_core.schema import Pair


def pairs_like(texts: Sequence[str], pairs: Sequence[Pair], *, most: int) -> list[Pair]:
    """The pairs most like these texts by TF-IDF cosine, the most similar first.

    Pairs that share no word are left out. A few thousand pairs take well under a second.
    """
    if not pairs:
        return []
    from sklearn.feature_extraction.text import TfidfVectorizer

    documents = [text_of(pair) for pair in pairs]
    wanted = " ".join(texts)
    try:
        vectors = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(
            [wanted, *documents]
        )
    except ValueError:  # no word is left in any of them
        return []
    likeness = (vectors[1:] @ vectors[0].T).toarray()[:, 0]
    best = sorted(range(len(pairs)), key=lambda place: -likeness[place])
    return [pairs[place] for place in best[:most] if likeness[place] > 0]


def text_of(pair: Pair) -> str:
    asked = " ".join(turn.content for turn in pair.prompt)
    return f"{asked} {pair.response_a} {pair.response_b}"
