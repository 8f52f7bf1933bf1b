"""Votes that were paid for before: labels by `each` of either version, question by question."""

from collections.abc import Iterable

from cai_core.feedback.comparison import comparison_question
from cai_core.feedback.draw import voters
from cai_core.impact.asking import Known
from cai_core.impact.edit import Edit
from cai_core.impact.plan import Plan, question_id
from cai_core.schema import Constitution, Label


def stored_votes(
    labels: Iterable[Label], edit: Edit, plan: Plan, *, judge: str, template: str
) -> Known:
    """The votes of labels that this judge gave under either version, in the same words.

    Args:
        template: what stands on such labels, examples and all; see `comparison.label_template`.
    """
    ids = {version.hash: _questions(version) for version in (edit.old, edit.new)}
    wanted = {id for id, _ in (*plan.old, *plan.new)} & set(plan.texts)
    found: dict[str, dict[str, float]] = {}
    for label in labels:
        asked_so = (label.annotator, label.template) == (judge, template)
        if not asked_so or label.method != "logprob" or label.principles != "each":
            continue
        questions = ids.get(label.constitution.hash) if label.constitution else None
        for key, p in label.votes.items() if questions else ():
            if questions and questions.get(key) in wanted:
                found.setdefault(label.pair.id, {})[questions[key]] = p
    return found


def _questions(version: Constitution) -> dict[str, str]:
    return {p.key: question_id(comparison_question(p)) for p in voters(version)}
