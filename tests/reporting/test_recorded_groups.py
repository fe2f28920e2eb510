"""What real servers of each version answered to grouped calls is read to the cent."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from werkzeug.wrappers import Request, Response

from odoo_qb.errors import Unavailable
from odoo_qb.reporting.journal_sums import JournalSums
from odoo_qb.reporting.periods import Comparison, Period
from tests.support.odoo_clients import a_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication

RECORDINGS: Final = Path(__file__).parents[1] / "odoo" / "ledger_recordings"
MAY: Final = Comparison(
    unit="month",
    current=Period(first=date(2026, 5, 1), last=date(2026, 5, 31)),
    previous=Period(first=date(2026, 4, 1), last=date(2026, 4, 30)),
)


def recorded(version: int, name: str) -> Any:
    text = (RECORDINGS / str(version) / f"{name}.json").read_text("utf-8")
    return json.loads(text)["response"]["body"]["result"]


def answering(rows: Any) -> WSGIApplication:
    """A server that answers every grouped call with the same rows."""

    @Request.application
    def answer(request: Request) -> Response:
        if request.path.startswith("/json/2/"):
            return Response(json.dumps(rows), content_type="application/json")
        is_sign_in = request.get_json()["params"]["service"] == "common"
        body = {"jsonrpc": "2.0", "id": 1, "result": 2 if is_sign_in else rows}
        return Response(json.dumps(body), content_type="application/json")

    return answer


@contextmanager
def items(rows: Any, way: str = "json-rpc") -> Iterator[JournalSums]:
    with a_client(answering(rows), way) as odoo:
        yield JournalSums(odoo)


def expected(rows: list[dict[str, Any]], key: str, month: str) -> dict[int, Decimal]:
    found: dict[int, Decimal] = defaultdict(Decimal)
    for row in rows:
        label = row["date:month"][1] if isinstance(row["date:month"], list) else row["date:month"]
        if label == month:
            found[row["account_id"][0]] += Decimal(str(row[key]))
    return dict(found)


@pytest.mark.parametrize(
    ("version", "name", "way", "key"),
    [
        *((v, "group_by_account_and_month", "json-rpc", "balance") for v in (16, 17, 18, 19)),
        (19, "formatted_group_account_and_month", "json-2", "balance:sum"),
    ],
)
def test_months_are_told_apart_as_each_version_writes_them(
    version: int, name: str, way: str, key: str
) -> None:
    rows = recorded(version, name)
    without_june = [row for row in rows if "June" not in str(row["date:month"])]
    counted = [{"__count": 1} | row for row in without_june]  # 19 counts only where that is asked
    with items(counted, way) as sums:
        current, previous = sums.flows(1, MAY)
    assert current == expected(rows, key, "May 2026")
    assert previous == expected(rows, key, "April 2026")
    assert len(current) > 1 < len(previous)


@pytest.mark.parametrize("version", [16, 17, 18, 19])
def test_sums_are_exact_as_each_version_writes_them(version: int) -> None:
    rows = recorded(version, "group_by_account_several_sums")
    # Not among what was asked.
    more = {"company_currency_id": [1, "USD"], "write_date": "2026-11-27 23:05:59"}
    with items([row | more for row in rows]) as sums:
        found = sums.balances(1, date(2026, 6, 30))
    assert found.currency == "USD"
    assert found.last_written_at == "2026-11-27 23:05:59"
    assert found.closing == {row["account_id"][0]: Decimal(str(row["balance"])) for row in rows}


ROW: Final = {
    "account_id": [7, "7"],
    "date:month": "May 2026",
    "__range": {"date:month": {"from": "2026-05-01", "to": "2026-06-01"}},
    "__count": 1,
    "balance": 12.5,
}


@pytest.mark.parametrize(
    "changed",
    [
        {"account_id": "7"},
        {"account_id": [0, "none"]},
        {"balance": "much"},
        {"balance": [1]},
        {"__range": {}},
        {"__range": {"date:month": False}},
        {"__range": {"date:month": {"from": "May"}}},
    ],
    ids=str,
)
def test_groups_that_odoo_does_not_write_are_no_figures(changed: dict[str, Any]) -> None:
    with items([ROW]) as sums:
        assert sums.flows(1, MAY) == ({7: Decimal("12.5")}, {})
    with items([ROW, ROW | changed]) as sums, pytest.raises(Unavailable):
        sums.flows(1, MAY)
