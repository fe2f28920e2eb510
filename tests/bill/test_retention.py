"""What the table forgets is never asked about again: expiry and cut-off go by the same date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_qb.bill.retention import forgotten_at, kept_since
from tests.support.builders import a_bill
from tests.support.posting_fixture import a_desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.posting_fixture import Desk

ENDS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    bill_date=st.dates(date(2000, 1, 1), date(2400, 1, 1)),
    ended_at=ENDS,
    days=st.integers(30, 3650),
    later=st.timedeltas(timedelta(0), timedelta(days=400)),
)
def test_from_the_moment_it_may_be_forgotten_a_bill_is_too_old_to_be_asked_about(
    bill_date: date, ended_at: datetime, days: int, later: timedelta
) -> None:
    retention = timedelta(days=days)
    at = forgotten_at(bill_date, ended_at, retention)
    assert at is not None
    assert at >= ended_at + retention
    assert bill_date < kept_since(at + later, retention)


def test_a_date_beyond_all_reason_is_never_forgotten() -> None:
    assert forgotten_at(date(9999, 12, 31), datetime(2026, 1, 1, tzinfo=UTC), timedelta(1)) is None


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


@pytest.mark.parametrize(
    ("bill_date", "expires"),
    [
        (date(2026, 11, 2), datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        (date(2026, 11, 21), datetime(2026, 11, 22, tzinfo=UTC)),
        (date(2031, 5, 1), datetime(2031, 5, 2, tzinfo=UTC)),
    ],
    ids=["before its end", "on that day", "ahead"],
)
def test_a_posted_bill_is_kept_from_its_end_or_its_date_whichever_is_later(
    bill_date: date, expires: datetime, desk: Desk
) -> None:
    item: Any = desk.approve(a_bill(bill_date=bill_date, documents=()))
    assert desk.post(item) == "POSTED"
    kept = timedelta(days=2555)
    assert desk.stored()["expires_at"] == int((expires + kept).timestamp())
