"""A vendor's number, however it was typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_qb.bill.numbering import as_in_1_0, normalised, spellings

ZERO_WIDTH, SOFT_HYPHEN, JOINER, FILLER = "\u200b", "\u00ad", "\u2060", "\u3164"


@pytest.mark.parametrize(
    "written",
    [
        "R-2031",
        "r 2031",
        "R/2031",
        "R.2031",
        "R_2031",
        "#R2031",
        " R\t20\u00a031 ",
        f"R{ZERO_WIDTH}-20{SOFT_HYPHEN}3{JOINER}1{FILLER}",
        "R\u2013\u22122031",  # an en dash, a minus sign
        "\uff32\uff0d\uff12\uff10\uff13\uff11",  # full width
        "R-\u0662\u0660\u0663\u0661",  # Arabic digits
        "R\ufe0f-2031",  # a variation selector
    ],
)
def test_one_number_is_the_same_in_every_spelling(written: str) -> None:
    assert normalised(written) == "r2031"


def test_letters_of_another_alphabet_that_look_the_same_are_the_same() -> None:
    assert normalised("\u0410\u0412\u0421-1") == normalised("ABC-1")  # Cyrillic
    assert normalised("\u0391\u0392\u03a7-1") == normalised("ABX-1")  # Greek
    assert normalised("RÉF-1") == normalised("REF-1")


@pytest.mark.parametrize("other", ["R-2032", "R-20310", "S-2031", "2031", "R-O2031"])
def test_another_number_is_another(other: str) -> None:
    assert normalised(other) != normalised("R-2031")


def test_a_number_of_punctuation_alone_is_still_one() -> None:
    assert normalised("- / -") == "-/-"
    assert normalised(" ") == normalised("") == ""


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


def test_what_1_0_took_for_one_number_is_one_still() -> None:
    assert as_in_1_0("RE 2026-1") == as_in_1_0("re2026-1") == "re2026-1"


def test_a_person_may_have_typed_another_separator_or_none() -> None:
    found = spellings("INV-1001", 21)
    assert found == ["INV1001", "INV/1001", "INV 1001", "INV.1001", "INV_1001"]
    assert "INV-1001" in spellings("INV1001", 21)
    assert "A-1" in spellings("\uff21\u20131", 21)


@given(st.text(max_size=30))
def test_every_spelling_is_of_the_same_number_and_short_enough(number: str) -> None:
    found = spellings(number, 21)
    assert {normalised(n) for n in found} <= {normalised(number)}
    assert all(n.isascii() and 0 < len(n) <= 21 for n in found)
    assert len(found) <= 12
