"""Labels of either version of an edit: their votes need not be asked again."""

from collections.abc import Sequence

from sqlite_utils import Database

from cai_core.feedback.comparison import label_template
from cai_core.feedback.examples import comparisons_in_use
from cai_core.impact.edit import Edit
from cai_core.schema import Label
from cai_core.settings import JudgeSetting
from cai_core.store import labels
from cai_core.store.labels import LabelFilter


def stored_labels(
    db: Database, edit: Edit, pair_ids: Sequence[str], setting: JudgeSetting
) -> list[Label]:
    """Labels by `each` that this judge gave under either version, asked as the setting asks.

    Of a pair that has one under both, both.
    """
    if setting.principles != "each":
        return []
    template = label_template(setting, comparisons_in_use(setting))
    found: list[Label] = []
    for version in dict.fromkeys((edit.old.hash, edit.new.hash)):
        where = LabelFilter(
            kind="judge",
            annotator=setting.model,
            method=setting.method,
            principles="each",
            constitution=version,
            pairs=list(pair_ids),
        )
        found += [item.label for item in labels.standing(db, where)]
    return [one for one in found if one.votes and one.template == template]
