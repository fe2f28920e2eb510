"""The tax of a bill or vendor credit: none in the US; elsewhere by line and by rate.

Outside the US QuickBooks computes tax for each line and rate, rounds it to the cent, and adds it
up. A TaxLine with an amount that is not based on a percent overrides what it computed; a percent
makes it compute again.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from sandbox.quickbooks.errors import FaultError, business, calculating_tax, missing
from sandbox.quickbooks.store import Json, money

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.quickbooks.books import Books

_US_TAX_CODES: Final = ("TAX", "NON")
_NOTHING: Final = Decimal(0)
_TAX_NAMES: Final = {"CA": "GST/HST"}  # elsewhere VAT


@dataclass(slots=True, kw_only=True)
class Share:
    """What one rate has in a document: the lines' amounts, what it is computed on, the tax."""

    percent: Decimal
    net: Decimal = _NOTHING
    base: Decimal = _NOTHING
    computed: Decimal = _NOTHING
    given: Decimal | None = None  # by an override

    @property
    def amount(self) -> Decimal:
        """The tax that is booked."""
        return self.computed if self.given is None else self.given


def settle_tax(record: Json, books: Books) -> Decimal:
    """The tax on top of the lines' amounts; the document gets QuickBooks' own TxnTaxDetail."""
    given = record.pop("TxnTaxDetail", None)
    if books.realm.is_american:
        _check_us_codes(record)
        return _NOTHING
    calculation = record.get("GlobalTaxCalculation")
    if not calculation:
        raise missing("GlobalTaxCalculation")
    if calculation == "NotApplicable":
        if given is not None:
            raise FaultError("6170", "TxnTaxDetail is given, and GlobalTaxCalculation is none")
        return _NOTHING
    shares = _shares(record, books)
    if given and books.realm.using_sales_tax:
        _override(shares, given, books)
    if not shares:
        return _NOTHING
    total = sum((share.amount for share in shares.values()), _NOTHING)
    lines = [_tax_line(rate, share) for rate, share in shares.items()]
    record["TxnTaxDetail"] = {"TotalTax": money(total), "TaxLine": lines}
    return _NOTHING if calculation == "TaxInclusive" else total


def _check_us_codes(record: Json) -> None:
    if "GlobalTaxCalculation" in record:
        raise _us_tax_code("GlobalTaxCalculation")
    for line in record["Line"]:
        code = line[line["DetailType"]].get("TaxCodeRef", {}).get("value", "NON")
        if code not in _US_TAX_CODES:
            raise _us_tax_code(code)


def _us_tax_code(supplied: str) -> FaultError:
    detail = f"Valid Line TaxCodes for US should be TAX or NON. Supplied value:{supplied}"
    return FaultError("6100", detail)


def _shares(record: Json, books: Books) -> dict[str, Share]:
    """What each rate has in all lines together, by the rate's Id."""
    shares: dict[str, Share] = {}
    inclusive = record["GlobalTaxCalculation"] == "TaxInclusive"
    for line in record["Line"]:
        detail = line[line["DetailType"]]
        if "TaxCodeRef" not in detail:
            tax = _TAX_NAMES.get(books.realm.country, "VAT")
            raise business(f"Make sure all your transactions have a {tax} rate before you save.")
        code = books.referred(detail["TaxCodeRef"], "TaxCodeRef")
        rates = code.get("PurchaseTaxRateList", {}).get("TaxRateDetail", [])
        amount = Decimal(line["Amount"])
        if inclusive:
            amount = Decimal(detail.get("TaxInclusiveAmt", amount))
        percents = {
            rate["TaxRateRef"]["value"]: _percent(rate, record["TxnDate"], books) for rate in rates
        }
        for rate, part in _parts(rates, percents, money(amount), inclusive=inclusive).items():
            share = shares.setdefault(rate, Share(percent=part.percent))
            share.net += part.net
            share.base += part.base
            share.computed += part.computed
    return shares


def _parts(
    rates: list[Json], percents: dict[str, Decimal], amount: Decimal, *, inclusive: bool
) -> dict[str, Share]:
    """The tax of one line, by rate; of an amount with tax in it, the tax is taken out."""
    if not inclusive:
        return _chained(rates, percents, amount, money)
    whole = Decimal(100)
    taxes = _chained(rates, percents, whole, Decimal).values()
    net = money(amount * whole / (whole + sum(tax.computed for tax in taxes)))
    parts = _chained(rates, percents, net, money)
    rest = amount - net - sum(part.computed for part in parts.values())
    if parts:
        max(parts.values(), key=lambda part: part.percent).computed += rest
    return parts


def _chained(
    rates: list[Json],
    percents: dict[str, Decimal],
    net: Decimal,
    rounded: Callable[[Decimal], Decimal],
) -> dict[str, Share]:
    """Each rate's tax on a net amount, in TaxOrder: on the net, on an earlier tax, or on both.

    TaxOnTaxOrder says which earlier tax; without one it is all of them.
    """
    parts: dict[str, Share] = {}
    taxes: dict[int, Decimal] = {}
    for rate in sorted(rates, key=lambda rate: int(rate.get("TaxOrder", 0))):
        kind = rate.get("TaxTypeApplicable", "TaxOnAmount")
        below = int(rate.get("TaxOnTaxOrder", -1))
        earlier = taxes[below] if below in taxes else sum(taxes.values(), _NOTHING)
        base = {"TaxOnAmount": net, "TaxOnAmountPlusTax": net + earlier, "TaxOnTax": earlier}[kind]
        key = rate["TaxRateRef"]["value"]
        tax = rounded(base * percents[key] / 100)
        order = int(rate.get("TaxOrder", 0))
        taxes[order] = taxes.get(order, _NOTHING) + tax
        parts[key] = Share(percent=percents[key], net=net, base=base, computed=tax)
    return parts


def _percent(rate: Json, day: str, books: Books) -> Decimal:
    """What a rate charges on a day: rates change, and EffectiveTaxRate has them all."""
    found = books.realm.tax_rates.get(rate["TaxRateRef"]["value"])
    if not found:
        raise calculating_tax()
    if "EffectiveTaxRate" not in found:
        return Decimal(str(found["RateValue"]))
    in_force = [
        one
        for one in found["EffectiveTaxRate"]
        if one["EffectiveDate"][:10] <= day[:10] <= one.get("EndDate", "9999-12-31")[:10]
    ]
    if not in_force:
        raise calculating_tax()
    newest = max(in_force, key=lambda one: str(one["EffectiveDate"]))
    return Decimal(str(newest["RateValue"]))


def _override(shares: dict[str, Share], given: Json, books: Books) -> None:
    """Take over the amounts of tax lines that may stand in place of what was computed."""
    lines = given.get("TaxLine", [])
    if not lines and "TotalTax" in given and books.modes.total_tax_alone == "refused":
        raise calculating_tax()
    rates = [_detail(line).get("TaxRateRef", {}).get("value") for line in lines]
    if len(set(rates)) < len(rates) or set(rates) - set(shares):
        raise business("Each tax line needs a purchase rate of the lines' tax codes, once.")
    if books.modes.tax_override == "ignored":
        return
    for rate, line in zip(rates, lines, strict=True):
        if _is_override(_detail(line), shares[rate]):
            shares[rate].given = money(line["Amount"])


def _is_override(detail: Json, share: Share) -> bool:
    """Not based on a percent, and on the right amount.

    With a percent only in what QuickBooks answered to an override, and is now sent back.
    """
    percent_free = "TaxPercent" not in detail or "OverrideDeltaAmount" in detail
    fits = detail.get("NetAmountTaxable") in {share.net, share.base}
    return detail.get("PercentBased") is False and percent_free and fits


def _detail(line: Json) -> Json:
    detail: Json = line.get("TaxLineDetail", {})
    return detail


def _tax_line(rate: str, share: Share) -> Json:
    difference = share.amount - share.computed
    detail: Json = {
        "TaxRateRef": {"value": rate},
        "PercentBased": not difference,
        "TaxPercent": share.percent,
        "NetAmountTaxable": share.base,
    }
    if difference:
        detail["OverrideDeltaAmount"] = difference
    return {"Amount": share.amount, "DetailType": "TaxLineDetail", "TaxLineDetail": detail}
