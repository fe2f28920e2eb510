"""Which bills the fixture has: of which company and kind, and how far 1.0 got with each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from upgrade.making import american, british
from upgrade.making.companies import CASCADE_VENDOR, FREIGHT, HARTLEY, SEVERN, THAMES_VENDOR

if TYPE_CHECKING:
    from upgrade.making.rows import Typed

type Kind = Literal["S", "D"]

# How far a bill got -> the status that 1.0 gave it.
SITUATIONS: Final = {
    "waiting": "READY_FOR_APPROVAL",
    "asked again": "READY_FOR_APPROVAL",  # it was amended once: an earlier card is retired
    "reopened": "READY_FOR_APPROVAL",  # it was rejected once
    "first of two approvals": "READY_FOR_APPROVAL",
    "approved": "APPROVED",  # its message is in the queue
    "approved, attempt open, there": "APPROVED",
    "approved, attempt open, absent": "APPROVED",
    "posting, attempt open, there": "POSTING",  # QuickBooks has it, the answer was lost
    "posting, attempt open, absent": "POSTING",  # QuickBooks never got it
    "posted": "POSTED",
    "posted, changed since": "POSTED",  # 1.0 has reported that already
    "linked": "ALREADY_IN_QB",  # by a person
    "adopted": "ALREADY_IN_QB",  # by the marker in its memo
    "failed, books closed": "POST_FAILED",
    "failed, number taken": "POST_FAILED",
    "failed, other total": "POST_FAILED",  # QuickBooks has it, a cent too high
    "rejected": "REJECTED",
    "acknowledged": "ACKNOWLEDGED",
    "withdrawn": "WITHDRAWN",
    "blocked": "VALIDATION_FAILED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A bill of the fixture; `why` says what it is for."""

    company: str
    kind: Kind
    situation: str
    case: str
    why: str
    typed: Typed


def _us(
    kind: Kind, situation: str, case: str, typed: Typed, why: str = "", **given: Any
) -> Planned:
    return _planned("cascade", kind, situation, case, typed, why, given)


def _gb(
    kind: Kind, situation: str, case: str, typed: Typed, why: str = "", **given: Any
) -> Planned:
    return _planned("thames", kind, situation, case, typed, why, given)


def _planned(
    company: str, kind: Kind, situation: str, case: str, typed: Typed, why: str, given: Any
) -> Planned:
    return Planned(
        company=company,
        kind=kind,
        situation=situation,
        case=case,
        why=why or _WHY[case],
        typed=replace(typed, **given),
    )


_WHY: Final = {
    "plain": "one line without tax",
    "headings": "headings and a note; an account that falls to the default",
    "taxes [5, 6]": "two taxes on a line, in this order",
    "tax on an asset": "tax on an asset account: a line of its own in the US",
    "early payment": "the discount's rows cancel on one account",
    "cash rounding": "a rounding row is a line on its account in both forms",
    "rounding cancels": "rounded globally, but on one account: the sums are the same",
    "euro": "in another currency",
    "long": "its lines are in S3",
    "very long": "its lines and its attempt's body are in S3",
    "zero": "the total is zero, nothing is left on any account",
    "intercompany": "the vendor is the sister company",
    "no account": "a line has no account in either form",
    "D1": "rounded globally: a cent lies on another account",
    "D1 euro": "rounded globally in another currency",
    "D1 long": "rounded globally; its lines are in S3",
    "D2": "60 % deductible: 40 % lie on another account",
    "D zero": "the total is zero, but two accounts move",
    "D blocked": "rounded globally; 1.0 blocks it, in the new form it is readable",
    "D2 blocked": "60 % deductible with tax; 1.0 blocks it, in the new form it is readable",
    "VAT": "20 % on the VAT account, as each line's percentage gives it",
    "VAT of all rates": "20 %, 5 %, zero-rated and none in one bill",
    "VAT and levy": "two taxes on a line, mapped to one code of one rate",
    "reverse charge": "a code of two rates; accounts, codes and cents are the same",
    "D reverse charge": "reverse charge mapped to a plain 20 %: QuickBooks would add 20",
    "D3": "half of the tax is booked on the expense account",
    "D4": "QuickBooks computes a cent more, line by line, than Odoo states",
    "D5": "the tax is booked on the expense account",
    "D6": "a code of two rates; one of the taxes is booked on the expense account",
    "D withholding": "tax withheld: 1.0 sends 5 of tax in place of 20 and a liability of 15",
    "D early payment": "the discount's rows cancel on their account, but not by tax code",
}


BILLS: Final[tuple[Planned, ...]] = (
    # The American company: the same in both forms.
    _us("S", "waiting", "headings", american.with_words()),
    _us("S", "waiting", "taxes [5, 6]", american.two_taxes()),
    _us("S", "waiting", "early payment", american.early_payment()),
    _us("S", "waiting", "rounding cancels", american.rounding_cancels()),
    _us("S", "waiting", "cash rounding", american.cash_rounding()),
    _us("S", "waiting", "euro", american.euro()),
    _us("S", "waiting", "long", american.long_bill()),
    _us("S", "asked again", "plain", american.plain("240.00")),
    _us("S", "first of two approvals", "plain", american.plain("12000.00")),
    _us("S", "approved", "taxes [5, 6]", american.two_taxes("330.00")),
    _us("S", "approved, attempt open, there", "plain", american.plain("71.00")),
    _us("S", "approved, attempt open, absent", "plain", american.plain("72.00")),
    _us("S", "posting, attempt open, there", "tax on an asset", american.tax_on_asset()),
    _us("S", "posting, attempt open, absent", "very long", american.very_long_bill()),
    _us("S", "posted", "plain", american.plain(vendor=FREIGHT), "of a vendor that 1.0 created"),
    _us("S", "posted", "taxes [5, 6]", american.two_taxes("360.00")),
    _us("S", "posted", "early payment", american.early_payment()),
    _us("S", "posted", "euro", american.euro("250.00")),
    _us("S", "posted", "plain", american.plain("45.00"), "a credit note", move_type="in_refund"),
    _us("S", "posted", "plain", american.plain("23.00"), "a receipt", move_type="in_receipt"),
    _us("S", "posted, changed since", "plain", american.plain("81.00")),
    _us("S", "linked", "plain", american.plain("82.00")),
    _us("S", "adopted", "plain", american.plain("83.00")),
    _us("S", "failed, books closed", "plain", american.plain("84.00")),
    _us("S", "failed, other total", "plain", american.plain("85.00")),
    _us("S", "failed, number taken", "plain", american.plain("86.00")),
    _us("S", "rejected", "plain", american.plain("87.00")),
    _us("S", "reopened", "plain", american.plain("88.00"), "without a PDF", files=()),
    _us("S", "acknowledged", "zero", american.zero_on_one_account()),
    _us("S", "acknowledged", "intercompany", american.plain("900.00", vendor=THAMES_VENDOR)),
    _us("S", "withdrawn", "plain", american.plain("89.00")),
    _us("S", "blocked", "no account", american.no_account()),
    # The American company: different.
    _us("D", "waiting", "D1", american.rounded_globally()),
    _us("D", "waiting", "D2", american.not_deductible()),
    _us("D", "waiting", "D1 euro", american.euro_rounded_globally()),
    _us("D", "waiting", "D1", american.rounded_globally(27), "a receipt", move_type="in_receipt"),
    _us("D", "waiting", "D zero", american.zero_on_two_accounts()),
    _us("D", "asked again", "D1", american.rounded_globally(18)),
    _us("D", "first of two approvals", "D2", american.not_deductible(90)),
    _us("D", "approved", "D1", american.rounded_globally(19)),
    _us("D", "approved", "D1 long", american.long_rounded_globally()),
    _us("D", "approved, attempt open, there", "D1", american.rounded_globally(20)),
    _us("D", "approved, attempt open, absent", "D2", american.not_deductible(2)),
    _us(
        "D",
        "posting, attempt open, there",
        "D2",
        american.not_deductible(3),
        "a credit note",
        move_type="in_refund",
    ),
    _us("D", "posting, attempt open, absent", "D1", american.rounded_globally(21)),
    _us("D", "posted", "D1", american.rounded_globally(22)),
    _us("D", "posted", "D2", american.not_deductible(4), "a credit note", move_type="in_refund"),
    _us("D", "posted, changed since", "D1", american.rounded_globally(28)),
    _us("D", "linked", "D1", american.rounded_globally(23)),
    _us("D", "adopted", "D2", american.not_deductible(5)),
    _us("D", "failed, books closed", "D1", american.rounded_globally(24)),
    _us("D", "failed, other total", "D2", american.not_deductible(6)),
    _us("D", "rejected", "D1", american.rounded_globally(25)),
    _us("D", "acknowledged", "D zero", american.zero_on_two_accounts("962000")),
    _us("D", "withdrawn", "D1", american.rounded_globally(26)),
    _us("D", "blocked", "D blocked", american.rounding_blocked(), untaxed="8820.68"),
    _us("D", "blocked", "D blocked", american.rounding_blocked_taxed(), untaxed="3236.50"),
    _us("D", "blocked", "D2 blocked", american.not_deductible_taxed()),
    # The British company: the same in both forms.
    _gb("S", "waiting", "VAT of all rates", british.vat_of_three_rates()),
    _gb("S", "waiting", "VAT and levy", british.vat_and_levy()),
    _gb("S", "waiting", "reverse charge", british.reverse_charge()),
    _gb("S", "waiting", "VAT", british.vat("61.00"), "a credit note", move_type="in_refund"),
    _gb("S", "first of two approvals", "VAT", british.vat("4900.00", "101.10")),
    _gb("S", "approved", "VAT", british.vat("62.00", "17.55")),
    _gb("S", "approved, attempt open, there", "VAT", british.vat("63.00")),
    _gb("S", "posting, attempt open, there", "VAT", british.vat("64.00", "0.99")),
    _gb("S", "posting, attempt open, absent", "VAT and levy", british.vat_and_levy()),
    _gb("S", "posted", "VAT", british.vat("100.10", "49.95", vendor=SEVERN)),
    _gb("S", "posted", "VAT of all rates", british.vat_of_three_rates()),
    _gb("S", "posted", "euro", british.euro_vat()),
    _gb("S", "posted", "long", british.long_vat()),
    _gb("S", "linked", "VAT", british.vat("65.00")),
    _gb("S", "adopted", "VAT", british.vat("66.00")),
    _gb("S", "failed, books closed", "VAT", british.vat("67.00")),
    _gb("S", "rejected", "VAT", british.vat("68.00")),
    _gb("S", "acknowledged", "intercompany", british.vat("900.00", vendor=CASCADE_VENDOR)),
    _gb("S", "withdrawn", "VAT", british.vat("69.00")),
    # The British company: different.
    _gb("D", "waiting", "D3", british.half_deductible()),
    _gb("D", "waiting", "D3", british.half_deductible("30.00"), move_type="in_refund"),
    _gb("D", "waiting", "D4", british.another_cent()),
    _gb("D", "waiting", "D6", british.tax_group()),
    _gb("D", "waiting", "D1", british.vat_rounded_globally()),
    _gb("D", "waiting", "D early payment", british.early_payment_vat()),
    _gb("D", "waiting", "D reverse charge", british.reverse_charge("20% RC old")),
    _gb("D", "first of two approvals", "D5", british.tax_on_cost("6000.00")),
    _gb("D", "approved", "D5", british.tax_on_cost()),
    _gb("D", "approved", "D withholding", british.withholding()),
    _gb("D", "approved, attempt open, absent", "D3", british.half_deductible("72.00")),
    _gb("D", "posting, attempt open, there", "D5", british.tax_on_cost("73.00")),
    _gb("D", "posting, attempt open, absent", "D3", british.half_deductible("74.00")),
    _gb("D", "posted", "D3", british.half_deductible("75.00")),
    _gb("D", "posted", "D4", british.another_cent()),
    _gb("D", "posted", "D6", british.tax_group()),
    _gb("D", "linked", "D5", british.tax_on_cost("76.00"), vendor=HARTLEY),
    _gb("D", "adopted", "D4", british.another_cent()),
    _gb("D", "failed, other total", "D3", british.half_deductible("77.00")),
    _gb("D", "failed, number taken", "D3", british.half_deductible("78.00")),
    _gb("D", "rejected", "D5", british.tax_on_cost("79.00"), vendor=SEVERN),
    _gb("D", "withdrawn", "D6", british.tax_group(), vendor=SEVERN),
    _gb("D", "blocked", "D blocked", british.vat_rounding_blocked(), untaxed="5538.89"),
)
