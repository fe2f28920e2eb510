"""A few records of the ledger, of every kind: a load of them takes half a second."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from odoo_qb.mirror.content import data_of
from odoo_qb.store import mirror_keys as keys
from sandbox.in_process.mirror import MODELS, MirrorDesk, a_mirror

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind
    from sandbox.odoo.query import Record
    from sandbox.odoo.server import Odoo

_EACH = 2  # orders


@contextmanager
def a_small_mirror(version: int = 18) -> Iterator[MirrorDesk]:
    """An Odoo with some forty records, and an empty mirror of it."""
    with a_mirror(dataset="ledger-18", version=version) as desk:
        shrink(desk.odoo)
        yield desk


def shrink(odoo: Odoo) -> None:
    """Leave a few records of each kind, and what they refer to."""
    records = odoo.records
    alike: Counter[tuple[object, ...]] = Counter()
    payments: list[Record] = []
    for payment in records["account.payment"].values():
        sort = (payment["company_id"], payment["payment_type"], payment["journal_id"])
        alike[sort] += 1
        if alike[sort] == 1 and payment["move_id"]:
            payments.append(payment)
    moves = {p["move_id"] for p in payments}
    for payment in payments:
        moves.update(*(payment[f] for f in ("reconciled_invoice_ids", "reconciled_bill_ids")))
    for move in records["account.move"].values():
        sort = (move["move_type"], move["state"], move["company_id"])
        alike[sort] += 1
        if alike[sort] == 1 and move["move_type"] != "entry" and not move["reversed_entry_id"]:
            moves.add(move["id"])
    orders = set(islice(records["sale.order"], _EACH))
    _keep(odoo, "account.payment", {p["id"] for p in payments})
    _keep(odoo, "account.move", moves)
    _keep(odoo, "sale.order", orders)
    _keep(odoo, "account.move.line", _of(odoo, "account.move.line", "move_id", moves))
    _keep(odoo, "sale.order.line", _of(odoo, "sale.order.line", "order_id", orders))
    accounts = {row["account_id"] for row in records["account.move.line"].values()}
    others = {
        row["id"] for row in records["account.account"].values()
        if row["account_type"] in ("asset_cash", "expense")
    }  # fmt: skip
    _keep(odoo, "account.account", accounts | set(islice(sorted(others), 6)))


def _of(odoo: Odoo, model: str, field: str, owners: set[int]) -> set[int]:
    return {row["id"] for row in odoo.records[model].values() if row[field] in owners}


def _keep(odoo: Odoo, model: str, ids: set[int]) -> None:
    rows = odoo.records[model]
    for number in rows.keys() - ids:
        del rows[number]


Records = dict["Kind", dict[int, "Json"]]


def in_odoo(desk: MirrorDesk) -> Records:
    """Every record that is to be mirrored, as it is served."""
    source, found = desk.source(), Records()
    for kind, model in MODELS.items():
        rows = desk.odoo.records[model].values()
        ids = [row["id"] for row in rows if row.get("move_type") != "entry"]
        found[kind] = source.read(kind, ids).records
        assert len(found[kind]) == len(ids)
    return found


def wrong(desk: MirrorDesk, expected: Records | None = None) -> list[str]:
    """What breaks the promise: differences from Odoo, and counts that are not exact.

    All of the table is read, not only what its counts lead to. `expected` is Odoo's side, if it
    was read before.
    """
    found: list[str] = []
    rows = desk.everything()
    for kind, records in (expected or in_odoo(desk)).items():
        home = keys.home("odoo", kind)
        mine = [r for r in rows if str(r["pk"]).startswith(f"{home}#")]
        stored = {int(row["sk"]): data_of(row) for row in mine}
        for number in sorted(records.keys() | stored):
            ours, theirs = stored.get(number, {}), records.get(number, {})
            fields = [n for n in ours.keys() | theirs if ours.get(n) != theirs.get(n)]
            if fields and ours and theirs:
                found += [
                    f"{kind} {number}: {n} is {ours.get(n)!r}, not {theirs.get(n)!r}"
                    for n in fields
                ]
            elif fields:
                found.append(f"{kind} {number}: {'in the mirror' if ours else 'in Odoo'} only")
        expected_counts: dict[str, dict[int, int]] = {}
        for row in mine:
            for name in keys.counts_of(row):
                counts = expected_counts.setdefault(name, {})
                number = keys.thousand(int(row["sk"]))
                counts[number] = counts.get(number, 0) + 1
        own = {str(row["sk"]): row for row in rows if row["pk"] == home}
        kept = {sk: keys.counted(row) for sk, row in own.items() if sk.startswith(keys.COUNTS)}
        for name in sorted(expected_counts.keys() | kept):
            says, is_so = kept.get(name, {}), expected_counts.get(name, {})
            if says != is_so:
                found.append(f"{kind}: {name} says {says}, not {is_so}")
        found += [f"{kind}: {sk} is left" for sk in own if sk.startswith(keys.REREAD)]
        if "writing" in own.get(keys.STATE, {}):
            found.append(f"{kind}: a partition is not counted")
    return found
