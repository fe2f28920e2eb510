"""What a mirror is told of changes is all that changed, whatever people do in Odoo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from odoo_qb.sources import KINDS
from sandbox.odoo import truth
from sandbox.odoo.changes import Changes
from tests.support.odoo_sources import MODELS, SOME_DOORS, a_source, ids_of, ledger, whole

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from odoo_qb.odoo.source import OdooSource
    from odoo_qb.sources import Kind

BEGUN = datetime(2026, 11, 28, 12, tzinfo=UTC)
# Fields that are served as they are kept, in every version.
KEPT: dict[Kind, str] = {
    "contact": "email phone vat city active is_company write_date",
    "move": "move_type state payment_state ref amount_total amount_residual date write_date",
    "payment": "payment_type amount state",
    "order": "name state amount_total write_date",
    "account": "account_type non_trade write_date",
    "transaction": "debit credit balance write_date",
}
NAMING: tuple[Kind, ...] = ("move", "payment", "order", "transaction")


def catch_up(source: OdooSource, kept: dict[Kind, dict[int, Json]], since: str) -> None:
    """As a mirror does: what was written since, what names a changed contact, what is gone."""
    changed = {
        kind: {w.source_id for page in source.changes(kind, since) for w in page} for kind in KINDS
    }
    changed["contact"] |= {*source.pointing_at("contact", changed["contact"])}
    for kind in KINDS:
        if kind in NAMING:
            changed[kind] |= {*source.pointing_at(kind, changed["contact"])}
        reading = source.read(kind, changed[kind])
        assert reading.faults == {}
        kept[kind] |= reading.records
        missing = kept[kind].keys() - {*ids_of(source, kind)}
        gone = source.gone(kind, missing)
        assert gone == missing
        kept[kind] = {i: record for i, record in kept[kind].items() if i not in gone}
        assert source.count(kind) == len(kept[kind])


@pytest.mark.parametrize(
    ("version", "way", "seed"), [(*door, seed) for seed, door in enumerate(SOME_DOORS)]
)
def test_after_any_changes_what_was_told_is_what_is_there(
    version: int, way: str, seed: int
) -> None:
    now = [BEGUN]
    simulator = ledger(version, clock=lambda: now[0])
    people = Changes(simulator, seed=seed)
    with a_source(simulator, way) as source:
        kept = {kind: whole(source, kind).records for kind in KINDS}
        for _ in range(3):
            since = f"{now[0]:%Y-%m-%d %H:%M:%S}"
            people.make(20)
            catch_up(source, kept, since)
            now[0] += timedelta(minutes=1)
        for kind in KINDS:
            assert kept[kind] == whole(source, kind).records, kind
    for kind, names in KEPT.items():
        held = truth.held(simulator, MODELS[kind], names.split())
        for number, record in kept[kind].items():
            for name in names.split():
                expected = held[number][name]
                served = record[name]
                told = float(served) if isinstance(expected, float) else served
                assert (told or False) == (expected or False), (kind, number, name)
