"""What QuickBooks must have booked of a bill, added up by hand from its journal rows.

Nothing of the code that is tested is used: an account is its number, a tax its percent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final

from tests.support.drawn import HALF, PERCENTS, REVERSE, STANDARD, TAX_ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from odoo_qb.bill.item import Item
    from sandbox.quickbooks.server import Realm

Json = dict[str, Any]
Sums = dict[Any, Decimal]
_CENT: Final = Decimal("0.01")
_DEFAULT: Final = "Uncategorized Expense"


@dataclass(frozen=True, kw_only=True)
class Booking:
    """Amounts by account and tax code, tax by rate, and the total."""

    lines: Sums
    rates: Sums
    total: Decimal


def misbooked(item: Item, realm: Realm, document: Json, *, on_lines: bool = False) -> Iterator[str]:
    """In what a document is not the bill that was approved; `on_lines`: tax is spread over them."""
    there = booking_of(realm, document)
    if realm.is_american and on_lines:
        yield from _misspread(item, realm, there)
        return
    rows = Counter((n["amount"], _described(n)) for n in _money(item))
    lines = Counter((n["Amount"], n.get("Description", "")) for n in document["Line"])
    if invented := lines - rows:
        yield f"its lines in QuickBooks are {sorted(invented.elements())}, which Odoo has not"
    here = booking(item, realm)
    for what in ("lines", "rates", "total"):
        if getattr(here, what) != getattr(there, what):
            yield f"its {what} in QuickBooks: {getattr(there, what)}, not {getattr(here, what)}"


def booking(item: Item, realm: Realm) -> Booking:
    """What has to be in QuickBooks, by what the card said of the tax."""
    rows = _money(item)
    how = item["preflight"].get("tax", {}).get("how", "")
    if realm.is_american:
        return _booking(item, realm, rows, {})
    computed, odoos = taxes(rows)
    is_computed = how == "computed"
    if is_computed != (computed == odoos):
        raise AssertionError(f"{item['entry_id']} is {how}: {computed} computed, {odoos} in Odoo")
    if how == "lines":
        return _booking(item, realm, rows, {})
    kept = [n for n in rows if not _is_own(n)]
    by_name = computed if how == "quickbooks" else odoos
    rates = _by_rate(by_name, rows)
    return _booking(item, realm, kept, rates, is_taxed=True)


def booking_of(realm: Realm, document: Json) -> Booking:
    """What is in QuickBooks."""
    lines: Sums = defaultdict(Decimal)
    for line in document["Line"]:
        detail = line["AccountBasedExpenseLineDetail"]
        code = "" if realm.is_american else realm.tax_codes[detail["TaxCodeRef"]["value"]]["Name"]
        lines[detail["AccountRef"]["value"], code] += line["Amount"]
    rates: Sums = defaultdict(Decimal)
    for tax in document.get("TxnTaxDetail", {}).get("TaxLine", ()):
        rates[realm.tax_rates[tax["TaxLineDetail"]["TaxRateRef"]["value"]]["Name"]] += tax["Amount"]
    return Booking(lines=_sums(lines), rates=_sums(rates), total=document["TotalAmt"])


def correct_by_hand(item: Item, realm: Realm, document: Json) -> None:
    """A bookkeeper types Odoo's tax into a document that QuickBooks computed anew."""
    wanted = booking(item, realm)
    for tax in document["TxnTaxDetail"]["TaxLine"]:
        name = realm.tax_rates[tax["TaxLineDetail"]["TaxRateRef"]["value"]]["Name"]
        tax["Amount"] = wanted.rates.get(name, Decimal(0))
    document["TxnTaxDetail"]["TotalTax"] = sum(wanted.rates.values(), Decimal(0))
    document["TotalAmt"] = document["Balance"] = wanted.total


def taxes(rows: Sequence[Json]) -> tuple[Sums, Sums]:
    """By the name of the tax: what QuickBooks computes line by line, and what Odoo booked."""
    computed: Sums = defaultdict(Decimal)
    odoos: Sums = defaultdict(Decimal)
    for row in rows:
        if row["kind"] == "tax":
            if _is_own(row):
                odoos[row["taxes"][0]] += row["amount"]
            continue
        for name in row["taxes"]:
            if name != REVERSE:  # it is owed as well
                computed[name] += _tax_on(row["amount"], PERCENTS[name])
    return _sums(computed), _sums(odoos)


def _booking(
    item: Item, realm: Realm, rows: Sequence[Json], rates: Sums, *, is_taxed: bool = False
) -> Booking:
    lines: Sums = defaultdict(Decimal)
    for row in rows:
        named = row["taxes"] if is_taxed and row["kind"] != "tax" else []
        code = {HALF: STANDARD}.get(named[0], named[0]) if named else "No VAT"
        lines[_account(row, item, realm), "" if realm.is_american else code] += row["amount"]
    total = sum(lines.values(), Decimal(0)) + sum(rates.values(), Decimal(0))
    odoos = item["amount_total"]
    if item["preflight"].get("tax", {}).get("how", "") != "quickbooks" and total != odoos:
        raise AssertionError(f"{item['entry_id']}: the rows are {total}, Odoo's total {odoos}")
    return Booking(lines=_sums(lines), rates=_sums(rates), total=total)


def _misspread(item: Item, realm: Realm, there: Booking) -> Iterator[str]:
    """Tax that is part of the costs: to the cent in all, and about the same part of each."""
    rows = _money(item)
    tax = sum((n["amount"] for n in rows if n["kind"] == "tax"), Decimal(0))
    costs = [n for n in rows if n["kind"] != "tax"]
    taxed = sum((n["amount"] for n in costs if n["taxes"]), Decimal(0))
    wanted: Sums = defaultdict(Decimal)
    for row in costs:
        share = tax * row["amount"] / taxed if row["taxes"] else 0
        wanted[_account(row, item, realm), ""] += row["amount"] + share
    places = wanted.keys() | there.lines.keys()
    slack = _CENT * len(rows)
    far = [k for k in places if abs(wanted[k] - there.lines.get(k, 0)) > slack]
    if there.total != item["amount_total"] or far:
        yield f"its lines in QuickBooks are {there.lines} instead of {dict(wanted)}"


def _by_rate(by_name: Mapping[str, Decimal], rows: Sequence[Json]) -> Sums:
    rates: Sums = defaultdict(Decimal)
    for name, amount in by_name.items():
        rates[f"{STANDARD if name == HALF else name} (Purchases)"] += amount
    reverse = sum((_tax_on(n["amount"], 20) for n in rows if _is_taxed_by(n, REVERSE)), Decimal(0))
    rates[f"{REVERSE} (Purchases)"] += reverse
    rates[f"{REVERSE} (Purchases) reverse"] -= reverse
    return rates


def _is_taxed_by(row: Json, name: str) -> bool:
    return row["kind"] != "tax" and name in row["taxes"]


def _is_own(row: Json) -> bool:
    """Whether a tax row stands where QuickBooks keeps its own tax."""
    return row["kind"] == "tax" and row["account_code"] in TAX_ACCOUNTS


def _account(row: Json, item: Item, realm: Realm) -> str:
    """The Id of the account with the same number, else of the one for whatever has none.

    That one, too, where the card said so: the other was inactive then.
    """
    numbers = {a.get("AcctNum"): str(a["Id"]) for a in realm.accounts.values()}
    told = f" has no account of its own in QuickBooks; {_DEFAULT} will be used."
    warned = [w for w in item["warnings"] if w.endswith(told)]
    is_default = any(w.startswith(f"{row['account_code']} ") for w in warned)
    own = "" if is_default else numbers.get(row["account_code"])
    return own or realm.id_of("Account", _DEFAULT)


def _tax_on(amount: Decimal, percent: int) -> Decimal:
    return (amount * percent / 100).quantize(_CENT, ROUND_HALF_UP)


def _money(item: Item) -> list[Json]:
    return [n for n in item["lines"] if n["kind"] not in {"section", "note"} and n["amount"]]


def _described(row: Json) -> str:
    return f"Tax: {row['text']}" if row["kind"] == "tax" else str(row["text"])


def _sums(found: Mapping[Any, Decimal]) -> Sums:
    """Without what comes to nothing."""
    return {key: amount for key, amount in sorted(found.items()) if amount}
