"""Bills of the American company, as Odoo 16 to 19 book them and 1.0 took them.

Kind S: the journal rows and 1.0's reading (price_subtotal, tax names) give the same accounts and
cents. Kind D: they do not.
"""

from __future__ import annotations

from typing import Final

from upgrade.making.companies import ACME, FREIGHT, MUELLER
from upgrade.making.rows import Row, Typed, other, percent, product, tax, words

_LONG_TEXT: Final = 330  # characters: with as many the body of a long bill is kept in S3


def plain(amount: str = "100.00", *, vendor: int = ACME, account: str = "611000") -> Typed:
    """One line without tax."""
    return Typed(vendor=vendor, rows=(product(account, amount),))


def with_words() -> Typed:
    """Headings and a note between the lines, one line without an account in QuickBooks."""
    rows = (
        words("line_section", "Goods"),
        product("611000", "250.00", text="Bottles"),
        words("line_subsection", "Packing"),
        product("613500", "40.00", text="Crates"),
        words("line_note", "Thank you for your order"),
    )
    return Typed(vendor=FREIGHT, rows=rows, has_terms=True, files=("bill.pdf", "delivery note.pdf"))


def two_taxes(amount: str = "300.00") -> Typed:
    """Two taxes on a line in the order in which Odoo gives their ids: [5, 6]."""
    state, city = (percent(rate, amount) for rate in (6, 2))
    rows = (
        product("611000", amount, "State 6%", "City 2%"),
        tax("131000", state, "State 6%"),
        tax("131000", city, "City 2%"),
    )
    return Typed(vendor=ACME, rows=rows)


def tax_on_asset() -> Typed:
    """A tax of 8.25 % on an account of its own, an asset."""
    rows = (
        product("611000", "100.00", "Sales Tax 8.25%"),
        product("612000", "40.00", "Sales Tax 8.25%", text="Storage"),
        tax("131000", "11.55", "Sales Tax 8.25%"),
    )
    return Typed(vendor=ACME, rows=rows)


def early_payment() -> Typed:
    """An early payment discount on the tax alone: its two rows cancel on one account."""
    of = "Sales Tax 8.25%"
    rows = (
        product("443000", "1000.00", of),
        other("epd", "443000", "-20.00", of, text="Early Payment Discount"),
        other("epd", "443000", "20.00", text="Early Payment Discount"),
        tax("443000", "80.85", of),
    )
    return Typed(vendor=ACME, rows=rows)


def cash_rounding() -> Typed:
    """Rounded to five cents; the difference is on an account of its own."""
    of = "Sales Tax 8.25%"
    rows = (
        product("611000", "10.03", of),
        tax("131000", "0.83", of),
        other("rounding", "642000", "-0.01", text="Rounding"),
    )
    return Typed(vendor=ACME, rows=rows)


def rounding_cancels() -> Typed:
    """Rounded globally, but both lines are on one account: there the cents cancel."""
    rows = (
        product("611000", "17.79", "VAT 21% incl.", amount="17.80"),
        product("611000", "17.80", "VAT 21% incl.", amount="17.79", text="Lids"),
        tax("131000", "7.47", "VAT 21% incl."),
    )
    return Typed(vendor=ACME, rows=rows)


def euro(net: str = "1000.00") -> Typed:
    """A bill in euros, booked at the rate of its day."""
    return Typed(
        vendor=MUELLER, currency="EUR", rate="0.87", rows=(product("611000", net, text="Hops"),)
    )


def long_bill(lines: int = 101, *, text: str = "", rows: tuple[Row, ...] = ()) -> Typed:
    """More lines than the table's item holds: S3 keeps them."""
    many = tuple(
        product("611000", f"{1 + n % 40}.50", text=f"Position {n:03} {text}".strip())
        for n in range(1, lines - len(rows) + 1)
    )
    return Typed(vendor=ACME, rows=(*many, *rows))


def very_long_bill() -> Typed:
    """Its attempt's bytes are more than the item holds, too."""
    return long_bill(105, text="with all that the vendor says about it. ".ljust(_LONG_TEXT, "x"))


def zero_on_one_account() -> Typed:
    """Boxes and the same boxes returned: nothing is left anywhere."""
    rows = (product("611000", "10.00"), product("611000", "-10.00", text="Boxes returned"))
    return Typed(vendor=ACME, rows=rows)


def no_account() -> Typed:
    """A line without an account cannot be read in either form."""
    return Typed(vendor=ACME, rows=(product("", "55.00"), product("611000", "5.00")))


# Kind D


def rounded_globally(base: int = 17, *, vendor: int = ACME) -> Typed:
    """D1: a cent lies on another account in the journal than price_subtotal says."""
    rows = (
        product("611000", f"{base}.79", "VAT 21% incl.", amount=f"{base}.80"),
        product("612000", f"{base}.80", "VAT 21% incl.", amount=f"{base}.79", text="Storage"),
        tax("131000", percent(21, f"{2 * base + 1}.59"), "VAT 21% incl."),
    )
    return Typed(vendor=vendor, rows=rows)


def not_deductible(scale: int = 1) -> Typed:
    """D2: 60 % deductible, without tax; the private part is on another account."""
    rows = (
        product("611000", f"{100 * scale}.00", deductible="60"),
        other("non_deductible_product", "611000", f"-{40 * scale}.00", text="Boxes"),
        other("non_deductible_product_total", "962000", f"{40 * scale}.00", text="private part"),
    )
    return Typed(vendor=FREIGHT, rows=rows)


def zero_on_two_accounts(account: str = "612000", *taxes: str) -> Typed:
    """A down payment taken off in full: the total is zero, and two accounts move."""
    rows = (
        product("611000", "1000.00", *taxes, text="A machine"),
        product(account, "-1000.00", *taxes, text="Down payment"),
    )
    return Typed(vendor=ACME, rows=rows)


def euro_rounded_globally() -> Typed:
    """D1 in euros."""
    rows = (
        product("611000", "33.33", amount="33.34"),
        product("612000", "16.67", amount="16.66", text="Storage"),
    )
    return Typed(vendor=MUELLER, currency="EUR", rate="0.87", rows=rows)


def long_rounded_globally(lines: int = 101) -> Typed:
    """D1 on a bill whose lines are in S3: the two last ones differ."""
    last = (
        product("611000", "0.33", amount="0.34", text="Last but one"),
        product("612000", "0.17", amount="0.16", text="Last"),
    )
    return long_bill(lines, rows=last)


def rounding_blocked() -> Typed:
    """As a real Odoo 19 booked it, rounding globally: the subtotals are a cent too few for 1.0."""
    rows = (
        product("611000", "5277.12", amount="5277.13", text="35.85 h at 147.20"),
        product("611000", "2414.53", text="17.90 h at 134.89"),
        product("611000", "1129.02", text="23.60 kg at 47.84"),
    )
    return Typed(vendor=ACME, rows=rows)


def rounding_blocked_taxed() -> Typed:
    """The same with a tax that is in the price."""
    rows = (
        product("611000", "2353.70", "VAT 19% incl.", amount="2353.69"),
        product("611000", "882.81", "VAT 19% incl.", text="Lids"),
        tax("131000", "614.94", "VAT 19% incl."),
    )
    return Typed(vendor=ACME, rows=rows)


def not_deductible_taxed() -> Typed:
    """60 % deductible with tax: for 1.0 the tax rows do not add up to the tax."""
    of = "Sales Tax 8.25%"
    rows = (
        product("611000", "100.00", of, deductible="60"),
        other("non_deductible_product", "611000", "-40.00", of, text="Boxes"),
        other("non_deductible_product_total", "962000", "40.00", text="private part"),
        tax("131000", "4.95", of),
        other("non_deductible_tax", "962000", "3.30", text="private part (taxes)"),
    )
    return Typed(vendor=ACME, rows=rows, untaxed="100.00", tax="8.25")
