"""Votes that were paid for before: labels by `each` of the old version, question by question."""

from collections.abc import Iterable, Mapping

from cai_core.feedback.comparison import comparison_question
from cai_core.feedback.draw import voters
from cai_core.impact.plan import Plan, question_id
from cai_core.schema import Constitution, Label

Known = Mapping[str, Mapping[str, float]]  # pair id -> question id -> P(response_a is better)


def stored_votes(
    labels: Iterable[Label], old: Constitution, plan: Plan, *, judge: str, template: str
) -> Known:
    """The votes of labels that this judge gave under the old version, in the same words.

    Args:
        template: what stands on such labels, examples and all; see `comparison.label_template`.
    """
    ids = {p.key: question_id(comparison_question(p)) for p in voters(old)}
    wanted = {id for id, _ in (*plan.old, *plan.new)} & set(plan.texts)
    found: dict[str, dict[str, float]] = {}
    for label in labels:
        if label.annotator != judge or label.template != template or label.method != "logprob":
            continue
        if label.principles != "each" or not label.constitution:
            continue
        if label.constitution.hash == old.hash:
            votes = {ids[key]: p for key, p in label.votes.items() if key in ids}
            found[label.pair.id] = {id: p for id, p in votes.items() if id in wanted}
    return found


def asked_nowhere(known: Known, plan: Plan) -> frozenset[str]:
    """Questions whose votes are stored for every pair that has stored votes."""
    asked = {id for id, _ in (*plan.old, *plan.new)}
    stored = [set(votes) for votes in known.values()]
    return frozenset(asked.intersection(*stored)) if stored else frozenset()
