"""Labels of the version before an edit: their votes need not be asked again."""

from collections.abc import Sequence

from sqlite_utils import Database

from cai_core.feedback.comparison import label_template
from cai_core.feedback.examples import comparisons_in_use
from cai_core.schema import Label
from cai_core.settings import JudgeSetting
from cai_core.store import labels
from cai_core.store.labels import LabelFilter


def stored_labels(
    db: Database, version_hash: str, pair_ids: Sequence[str], setting: JudgeSetting
) -> list[Label]:
    """Labels by `each` that this judge gave under this version, asked as the setting asks."""
    if setting.principles != "each":
        return []
    where = LabelFilter(
        kind="judge",
        annotator=setting.model,
        method=setting.method,
        principles="each",
        constitution=version_hash,
        pairs=list(pair_ids),
    )
    template = label_template(setting, comparisons_in_use(setting))
    found = [item.label for item in labels.standing(db, where)]
    return [one for one in found if one.votes and one.template == template]
