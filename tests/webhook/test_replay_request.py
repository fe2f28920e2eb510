"""What may be asked of a replay, and the sentence that anything else gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_qb.errors import Refused
from odoo_qb.webhook.replay_request import ReplayRequest, replay_request

if TYPE_CHECKING:
    from odoo_qb.sources import Kind

KINDS: tuple[Kind, ...] = ("move", "payment")
CONNECTIONS = ("odoo", "ledger")


def request(**wanted: Any) -> ReplayRequest:
    dates = {"from": "2026-01-15", "to": "2026-03-01"}
    return replay_request(dates | wanted, KINDS, CONNECTIONS, "new")


def test_a_span_without_more_is_of_all_kinds_and_connections() -> None:
    assert request() == ReplayRequest(
        start="2026-01-15 00:00:00",
        end="2026-03-01 23:59:59",
        kinds=KINDS,
        connections=CONNECTIONS,
        replay_id="new",
    )
    assert [tuple(span) for span in request(connection="odoo").spans()] == [
        ("odoo", "move", "2026-01"),
        ("odoo", "move", "2026-02"),
        ("odoo", "move", "2026-03"),
        ("odoo", "payment", "2026-01"),
        ("odoo", "payment", "2026-02"),
        ("odoo", "payment", "2026-03"),
    ]


def test_a_span_may_be_ten_years() -> None:
    spans = list(request(**{"from": "2016-04-01"}, kinds=["move"], connection="odoo").spans())
    assert [span.month for span in spans] == [
        f"{year}-{month:02d}"
        for year in range(2016, 2027)
        for month in range(1, 13)
        if "2016-04" <= f"{year}-{month:02d}" <= "2026-03"
    ]


@pytest.mark.parametrize(
    ("given", "start"),
    [
        ("2026-01-31T08:30:00Z", "2026-01-31 08:30:00"),
        ("2026-01-31 08:30:00", "2026-01-31 08:30:00"),
        ("2026-01-31T08:30:00+02:00", "2026-01-31 06:30:00"),
        ("2026-01-31T08:30", "2026-01-31 08:30:00"),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(given: str, start: str) -> None:
    assert request(**{"from": given}).start == start


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"from": "yesterday"}, "A replay needs from: a day as 2026-01-31, or a time"),
        ({"from": "2026-02-30"}, "A replay needs from"),
        ({"from": None}, "A replay needs from"),
        ({"from": 5}, "A replay needs from"),
        ({"from": "0001-01-01T00:00:00+10:00"}, "A replay needs from"),
        ({"to": ""}, "A replay needs to"),
        ({"to": "2026-01-01"}, "from is after its to. Exchange them"),
        ({"from": "2016-03-31"}, "up to 120 months. Divide it"),
        ({"kinds": ["order"]}, "some of these: move, payment. Others are not sent at all"),
        ({"kinds": "move"}, "must be a list of some of these"),
        ({"kinds": []}, "must be a list of some of these"),
        ({"kinds": [["move"]]}, "must be a list of some of these"),
        ({"connection": "other"}, "Connections: ledger, odoo."),
        ({"connection": ["odoo"]}, "There is no such connection"),
        ({"dry_run": "yes"}, "dry_run must be true or false"),
        ({"since": 1, "till": 2}, "Unknown in the replay: since, till. It may have from, to"),
        ({"replay_id": "A B"}, "replay_id is not one that an earlier call answered"),
        ({"replay_id": 5}, "replay_id is not one that an earlier call answered"),
        ({"after": "odoo/move"}, "after is not one that an earlier call answered"),
        ({"after": "odoo/move/2026-01-01 00:00:00#0000000001\n"}, "after is not one"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(wanted: Any, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        request(**wanted)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("wanted", [None, [], "all", True, 5])
def test_what_is_no_object_is_refused(wanted: Any) -> None:
    with pytest.raises(Refused, match="A replay is given as"):
        replay_request(wanted, KINDS, CONNECTIONS, "new")


def test_dates_that_are_missing_are_asked_for() -> None:
    with pytest.raises(Refused, match="needs from"):
        replay_request({}, KINDS, CONNECTIONS, "new")
    with pytest.raises(Refused, match="needs to"):
        replay_request({"from": "2026-01-01"}, KINDS, CONNECTIONS, "new")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
NAMES = st.sampled_from(["from", "to", "kinds", "connection", "dry_run", "replay_id", "after"])
DATES = st.dates().map(str) | st.datetimes().map(str)


@settings(deadline=None)
@given(wanted=st.dictionaries(NAMES, JSON | DATES | st.just(["move"]) | st.just("odoo")))
def test_anything_is_a_replay_or_refused(wanted: Any) -> None:
    try:
        found = replay_request(wanted, KINDS, CONNECTIONS, "new")
    except Refused as refused:
        assert str(refused).endswith((".", "}."))  # noqa: PT017 - what is right needs no sentence
    else:
        assert found.start <= found.end
        assert len(list(found.spans())) <= 120 * 4
