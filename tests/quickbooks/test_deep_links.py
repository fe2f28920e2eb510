"""Links to documents in QuickBooks: built for one company, read as people paste them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from odoo_qb.quickbooks import deep_links
from odoo_qb.quickbooks.deep_links import DocumentLink

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "quickbooks/data/deep_links.json").read_text()
)
REALM = "4620816365007771234"
OTHER = "4620816365007779876"
WEB = "https://qbo.intuit.com"
BUILT = f"{WEB}/app/login?pagereq=bill%3FtxnId%3D145&deeplinkcompanyid={REALM}"


@pytest.mark.parametrize("case", CASES["build"], ids=lambda c: c["entity"])
def test_a_link_opens_the_document_in_its_company(case: dict[str, str]) -> None:
    assert deep_links.build(WEB, case["realm"], case["entity"], case["id"]) == case["url"]


def test_a_credit_is_a_page_of_its_own_whatever_the_case_of_its_name() -> None:
    assert "pagereq=vendorcredit%3FtxnId%3D9&" in deep_links.build(WEB, "1", "VendorCredit", "9")


@pytest.mark.parametrize("case", [c for c in CASES["read"] if "id" in c], ids=lambda c: c["typed"])
def test_a_pasted_link_is_read_in_both_forms(case: dict[str, Any]) -> None:
    read = deep_links.read(case["typed"])
    assert read == DocumentLink(id=case["id"], realm=case["realm"] or "")


def test_a_link_of_another_company_says_so() -> None:
    [case] = [c for c in CASES["read"] if "refuse" in c]
    read = deep_links.read(case["typed"])
    assert read == DocumentLink(id="145", realm=OTHER)
    assert read.realm != case["bill_company"]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("145", DocumentLink(id="145")),
        (" 145\n", DocumentLink(id="145")),
        (BUILT, DocumentLink(id="145", realm=REALM)),
        (quote(BUILT, safe=""), DocumentLink(id="145", realm=REALM)),
        (
            f"https://chat.example/away?to={quote(BUILT, safe='')}",
            DocumentLink(id="145", realm=REALM),
        ),
        (
            f"{WEB}/login?deeplinkcompanyid={REALM}&pagereq=bill?txnId=145",
            DocumentLink(id="145", realm=REALM),
        ),
        (f"{WEB}/app/bill?x=1&TXNID=145&y=2#top", DocumentLink(id="145")),
        (f"{WEB}/app/bill?txnId=145&deeplinkcompanyid=", DocumentLink(id="145")),
        ("", None),
        ("INV-1001", None),
        ("-1", None),
        ("9" * 21, None),
        (f"{WEB}/app/bill?txnId={'9' * 21}", None),
        (f"{WEB}/app/bill", None),
        (f"{WEB}/app/login?pagereq=bill&deeplinkcompanyid={REALM}", None),
        ("%", None),
    ],
)
def test_what_is_typed_names_a_document_or_none(typed: str, read: DocumentLink | None) -> None:
    assert deep_links.read(typed) == read


@pytest.mark.parametrize("entity", ["Bill", "VendorCredit"])
def test_what_was_built_is_read_back(entity: str) -> None:
    for web in (WEB, "https://sandbox.qbo.intuit.com"):
        read = deep_links.read(deep_links.build(web, REALM, entity, "12345678901234567890"))
        assert read == DocumentLink(id="12345678901234567890", realm=REALM)
