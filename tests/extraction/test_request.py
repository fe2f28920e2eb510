"""What the extractor may be asked for, and one clear sentence for everything else."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from odoo_qb.errors import Refused
from odoo_qb.extraction.request import Request, request_of
from tests.support.builders import a_company

COMPANIES = {"north": a_company(), "south": a_company(key="south", odoo_company="South Ltd")}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, Request()),
        ({"company": None, "since": None, "full": None}, Request()),
        ({"company": "north"}, Request(company="north")),
        ({"since": "2026-01-31"}, Request(since=date(2026, 1, 31))),
        ({"entry_ids": ["odoo-42", "43", 44, "odoo-42"]}, Request(odoo_ids=(42, 43, 44))),
        ({"entry_ids": "odoo-42"}, Request(odoo_ids=(42,))),
        ({"full": True, "dry_run": True}, Request(full=True, dry_run=True)),
    ],
)
def test_each_part_of_a_payload_is_optional(event: object, expected: Request) -> None:
    assert request_of(event, COMPANIES) == expected


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"comapny": "north"}, "comapny is not an option. Use company, dry_run, entry_ids, full,"),
        ({"company": "North Ltd"}, "There is no company North Ltd. Use one of north, south."),
        ({"company": ["north"]}, "There is no company ['north']. Use one of north, south."),
        ({"company": 7}, "There is no company 7. Use one of north, south."),
        ({"since": "31.1.2026"}, "since must be a bill date like 2026-01-31, not 31.1.2026."),
        ({"since": "2026-02-30"}, "since must be a bill date like 2026-01-31, not 2026-02-30."),
        ({"since": True}, "since must be a bill date like 2026-01-31, not True."),
        ({"entry_ids": []}, 'entry_ids must be a list like ["odoo-42"].'),
        ({"entry_ids": ["bill-42"]}, 'entry_ids must be a list like ["odoo-42"].'),
        ({"entry_ids": {"odoo-42": 1}}, 'entry_ids must be a list like ["odoo-42"].'),
        ({"entry_ids": [-1]}, 'entry_ids must be a list like ["odoo-42"].'),
        ({"entry_ids": [2**31]}, 'entry_ids must be a list like ["odoo-42"].'),
        ({"entry_ids": ["9" * 5000]}, 'entry_ids must be a list like ["odoo-42"].'),
        ({"a\nb\u202e": 1}, "a b is not an option. Use company,"),
        ({"company": "x\n" * 5000}, f"There is no company {'x ' * 59}x…. Use one of"),
        ({"full": "yes"}, "full must be true or false."),
        ({"dry_run": 1}, "dry_run must be true or false."),
        ([], "Send an object like"),
        ("full", "Send an object like"),
        (None, "Send an object like"),
    ],
)
def test_a_wrong_payload_gets_one_sentence(event: Any, sentence: str) -> None:
    with pytest.raises(Refused) as refusal:
        request_of(event, COMPANIES)
    assert str(refusal.value).startswith(sentence)


def test_only_the_schedules_runs_see_every_company() -> None:
    assert Request().is_plain
    assert Request(full=True).is_scheduled
    for other in (Request(company="north"), Request(odoo_ids=(1,)), Request(dry_run=True)):
        assert not other.is_scheduled
