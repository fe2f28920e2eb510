"""`make intake`: samples with dates made when they are read, and what is wrong with a file."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.intake.rules import Policy
from odoo_qb.intake.validation import validate
from sandbox.__main__ import main
from sandbox.intake import read
from sandbox.prerequisites import PROJECT, SetupError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2028, 2, 28, 12, 30, tzinfo=UTC)
POLICY = Policy(maximum=Decimal(1000000), today=NOW.date())


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("invoice", ["valid"]),
        ("duplicate", ["valid", "valid"]),
        ("conflict", ["valid", "valid"]),
        ("invalid", ["invalid"]),
        ("failed", ["valid"]),
    ],
)
def test_a_sample_is_what_its_name_says_on_any_day(name: str, outcomes: list[str]) -> None:
    samples = read(PROJECT / "samples" / f"{name}.json", NOW)

    assert [validate(sample.given, POLICY).outcome for sample in samples] == outcomes
    assert len({sample.given["invoice"]["invoiceId"] for sample in samples}) == 1
    assert [s.failing for s in samples] == (
        ["process_invoice"] if name == "failed" else [""] * len(samples)
    )
    assert (samples[0].given == samples[-1].given) == (name != "conflict")


def test_a_sample_read_again_has_another_id_and_todays_dates(tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    invoice: dict[str, Any] = {"invoiceId": "<new id>", "dueDate": "+2 days", "items": ["-1 day"]}
    file.write_text(json.dumps({"invoice": invoice}))

    [first], [second] = (read(file, now) for now in (NOW, NOW.replace(microsecond=1)))

    assert first.given["invoice"]["dueDate"] == "2028-03-01"
    assert first.given["invoice"]["items"] == ["2028-02-27"]
    assert first.given["invoice"]["invoiceId"] != second.given["invoice"]["invoiceId"]


@pytest.mark.parametrize("content", [None, "", "{", "[]", "7", '["x"]'])
def test_a_file_without_an_invoice_is_refused_in_a_sentence(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "sample.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SetupError, match=r"sample\.json .*\.$"):
        read(file, NOW)


def test_a_sample_is_printed_as_the_input_of_an_execution(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["intake", "--print", str(PROJECT / "samples" / "failed.json")]) == 0

    given = json.loads(capsys.readouterr().out)
    assert list(given) == ["invoice"]
    assert date.fromisoformat(given["invoice"]["dueDate"]) > datetime.now(UTC).date()


def test_a_missing_file_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intake", "nowhere.json"]) == 1

    assert capsys.readouterr().out.rstrip().endswith("nowhere.json is not there.")
