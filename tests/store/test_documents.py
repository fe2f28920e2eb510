"""The bucket: which bytes were approved, links, and the lines of long bills."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from odoo_qb.bill.item import bill_of
from odoo_qb.store.documents import Documents, is_pdf
from sandbox.in_process.aws import REGION, make_resources
from tests.support.builders import a_bill, a_document, a_line, an_item

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def documents() -> Iterator[Documents]:
    with mock_aws():
        make_resources()
        yield Documents(boto3.client("s3", region_name=REGION), "documents")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"%PDF-1.7 ...", True),
        (b"\xef\xbb\xbf\r\n%PDF-1.4", True),
        (b" " * 1020 + b"%PDF", True),
        (b" " * 1021 + b"%PDF", False),
        (b"<html>not a PDF</html>", False),
        (b"", False),
    ],
)
def test_a_pdf_is_known_by_its_first_bytes(data: bytes, expected: bool) -> None:
    assert is_pdf(data) is expected


def test_a_stored_file_knows_its_bytes(documents: Documents) -> None:
    kept = documents.keep(a_bill(), a_document(), b"%PDF one", main=True)
    assert kept.key == "pending/north/odoo-42.pdf"
    assert (kept.size, kept.sha256) == (8, hashlib.sha256(b"%PDF one").hexdigest())
    other = documents.keep(a_bill(), a_document("a.png", odoo_id=502), b"png", main=False)
    assert other.key == "pending/north/odoo-42/502"
    assert documents.read(other) == b"png"


def test_the_approved_bytes_are_read_whatever_was_stored_since(documents: Documents) -> None:
    approved = documents.keep(a_bill(), a_document(), b"%PDF one", main=True)
    amended = documents.keep(a_bill(), a_document(), b"%PDF two", main=True)
    assert approved.key == amended.key
    assert documents.read(approved) == b"%PDF one"
    assert documents.read(amended) == b"%PDF two"


def test_a_link_opens_this_version_for_five_minutes(documents: Documents) -> None:
    kept = documents.keep(a_bill(), a_document('Rech"nung ü.pdf'), b"%PDF", main=True)
    query: dict[str, Any] = parse_qs(urlsplit(documents.link(kept)).query)
    assert query["versionId"] == [kept.version_id]
    assert query["response-content-type"] == ["application/pdf"]
    assert query["response-content-disposition"] == [
        "inline; filename*=UTF-8''Rech%22nung%20%C3%BC.pdf"
    ]
    assert query.get("X-Amz-Expires", ["300"]) == ["300"]


def test_the_lines_of_a_long_bill_come_back_exactly(documents: Documents) -> None:
    bill = a_bill(lines=tuple(a_line(f"{n}.05", unit_price=n) for n in range(150)))
    item = an_item(bill)
    documents.keep_lines(bill, item["lines_key"])
    assert bill_of(item, documents.lines(item)) == bill
    assert documents.lines(an_item()) is None


def test_a_text_that_is_not_there_yet_is_none_and_a_failure_is_not(documents: Documents) -> None:
    assert documents.find_text("reference/north.json") is None
    documents.write("reference/north.json", "{}")
    assert documents.find_text("reference/north.json") == "{}"
    elsewhere = Documents(boto3.client("s3", region_name=REGION), "no-such-bucket")
    with pytest.raises(ClientError):
        elsewhere.find_text("reference/north.json")
