"""A second process reads the same rows as the first one would."""

import json
import multiprocessing
import time

import pytest

from cai_core.curate.label_files import open_labels
from cai_core.curate.read_ahead import AT_ONCE, read_ahead
from cai_core.errors import DataError


@pytest.fixture
def file(tmp_path):
    rows = [
        {"prompt": f"q{n}", "response_a": "x", "response_b": "y", "label": "a", "annotator": "Ada"}
        for n in range(AT_ONCE + 20)
    ]
    lines = [json.dumps(row) for row in rows]
    lines[3] = "{}"
    (tmp_path / "labels.jsonl").write_text("\n".join(lines))
    return open_labels(tmp_path / "labels.jsonl")


def test_the_rows_that_can_be_read_come_in_order(file):
    alone = [(line, found) for line, found in file if not isinstance(found, DataError)]
    assert len(alone) == AT_ONCE + 19
    assert list(read_ahead(file)) == alone


def test_who_stops_early_waits_for_nobody(file):
    rows = read_ahead(file)
    assert next(rows)[0] == 1
    rows.close()


def test_a_file_that_went_away_is_said(file):
    file.path.unlink()
    with pytest.raises(DataError, match="could not be read to its end"):
        list(read_ahead(file))


def test_a_second_process_that_is_killed_in_the_middle_of_a_row_is_said(tmp_path):
    row = {"prompt": "q", "response_a": "x" * 2_000, "response_b": "y", "label": "a"}
    path = tmp_path / "long.jsonl"
    path.write_text("\n".join(json.dumps(row | {"prompt": f"q{n}"}) for n in range(2 * AT_ONCE)))
    rows = read_ahead(open_labels(path))
    next(rows)
    time.sleep(0.5)
    [reader] = multiprocessing.active_children()
    reader.kill()  # more than a pipe holds: it was sending
    reader.join()
    with pytest.raises(DataError, match="could not be read to its end"):
        list(rows)
