"""Bills of the British company, as Odoo 16 to 19 book them and 1.0 took them.

Kind S: the journal rows and 1.0's reading (price_subtotal, tax names) give the same accounts, tax
codes and cents. Kind D: they do not.
"""

from __future__ import annotations

from decimal import Decimal

from upgrade.making.companies import HARTLEY, MUELLER, SEVERN
from upgrade.making.rows import Typed, other, percent, product, tax


def vat(*amounts: str, vendor: int = HARTLEY) -> Typed:
    """Lines at 20 %, the tax on the VAT account: the sum of what each line's percentage gives."""
    lines = tuple(product("611000", a, "20% S", text=f"Item {n}") for n, a in enumerate(amounts, 1))
    paid = sum((Decimal(percent(20, a)) for a in amounts), Decimal(0))
    return Typed(vendor=vendor, rows=(*lines, tax("131100", str(paid), "20% S")))


def vat_of_three_rates() -> Typed:
    """20 %, 5 %, zero-rated and no tax in one bill."""
    rows = (
        product("611000", "100.00", "20% S"),
        product("612000", "60.00", "5% R", text="Heating"),
        product("962000", "30.00", "0% Z", text="Books"),
        product("613500", "12.00", text="Stamps"),
        tax("131100", "20.00", "20% S"),
        tax("131100", "3.00", "5% R"),
    )
    return Typed(vendor=HARTLEY, rows=rows, has_terms=True)


def vat_and_levy() -> Typed:
    """Two taxes on a line, both on the VAT account, mapped to one code of both percentages."""
    rows = (
        product("611000", "300.00", "20% S", "2% Levy"),
        tax("131100", "60.00", "20% S"),
        tax("131100", "6.00", "2% Levy"),
    )
    return Typed(vendor=HARTLEY, rows=rows)


def euro_vat() -> Typed:
    """A bill in euros with VAT."""
    rows = (product("611000", "500.00", "20% S"), tax("131100", "100.00", "20% S"))
    return Typed(vendor=MUELLER, currency="EUR", rate="1.16", rows=rows)


def reverse_charge(of: str = "20% RC") -> Typed:
    """Reverse charge: due and reclaimed at once, so nothing is owed to the vendor."""
    rows = (
        product("611000", "100.00", of),
        tax("131100", "20.00", of),
        tax("251100", "-20.00", of),
    )
    return Typed(vendor=SEVERN, rows=rows)


def long_vat() -> Typed:
    """More lines than the table's item holds, with VAT."""
    amounts = [f"{1 + n % 40}.00" for n in range(101)]
    return vat(*amounts)


# Kind D


def half_deductible(amount: str = "100.00", *, vendor: int = HARTLEY) -> Typed:
    """D3: half of the tax can be reclaimed, the other half is booked on the expense account."""
    half = str(Decimal(percent(20, amount)) / 2)
    rows = (
        product("611000", amount, "20% ND50"),
        tax("131100", half, "20% ND50"),
        tax("611000", half, "20% ND50"),
    )
    return Typed(vendor=vendor, rows=rows)


def another_cent(vendor: int = HARTLEY) -> Typed:
    """D4: 20 % of the sum is 6.20; QuickBooks, which rounds per line, computes 6.21."""
    lines = tuple(product("611000", "10.33", "20% S", text=f"Item {n}") for n in (1, 2, 3))
    return Typed(vendor=vendor, rows=(*lines, tax("131100", "6.20", "20% S")))


def tax_on_cost(amount: str = "100.00") -> Typed:
    """D5: a tax that cannot be reclaimed is booked on the line's own account."""
    rows = (product("611000", amount, "20% cost"), tax("611000", percent(20, amount), "20% cost"))
    return Typed(vendor=SEVERN, rows=rows)


def tax_group() -> Typed:
    """D6: a group of taxes, mapped to a code of two rates; the levy is a cost in Odoo."""
    rows = (
        product("611000", "100.00", "VAT + Levy"),
        tax("131100", "20.00", "VAT 20%", group="VAT + Levy"),
        tax("611000", "5.00", "Levy 5%", group="VAT + Levy"),
    )
    return Typed(vendor=HARTLEY, rows=rows)


def withholding() -> Typed:
    """Tax withheld from the vendor: 1.0 takes the liability for less VAT."""
    rows = (
        product("611000", "100.00", "20% S", "-15% WHT"),
        tax("131100", "20.00", "20% S"),
        tax("252000", "-15.00", "-15% WHT"),
    )
    return Typed(vendor=HARTLEY, rows=rows)


def early_payment_vat() -> Typed:
    """The discount's rows cancel on their account, but not by tax code."""
    rows = (
        product("443000", "1000.00", "20% S"),
        other("epd", "443000", "-20.00", "20% S", text="Early Payment Discount"),
        other("epd", "443000", "20.00", text="Early Payment Discount"),
        tax("131100", "196.00", "20% S"),
    )
    return Typed(vendor=HARTLEY, rows=rows)


def vat_rounded_globally(base: int = 17) -> Typed:
    """D1 with VAT on the VAT account."""
    rows = (
        product("611000", f"{base}.79", "20% incl.", amount=f"{base}.80"),
        product("612000", f"{base}.80", "20% incl.", amount=f"{base}.79", text="Storage"),
        tax("131100", percent(20, f"{2 * base + 1}.59"), "20% incl."),
    )
    return Typed(vendor=HARTLEY, rows=rows)


def vat_rounding_blocked() -> Typed:
    """Rounded globally: the subtotals are a cent too many for 1.0."""
    rows = (
        product("611000", "983.66", "20% S"),
        product("611000", "4555.24", "20% S", amount="4555.23", text="Lids"),
        tax("131100", "1107.78", "20% S"),
    )
    return Typed(vendor=HARTLEY, rows=rows)
