"""Files on a QuickBooks document: each once, seen to have arrived, and what is missing is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.posting.attachments import REQUEST_BYTES
from odoo_qb.quickbooks.error_codes import fault_of_file
from odoo_qb.quickbooks.file_types import attachable, upload_as
from odoo_qb.store.documents import Documents
from sandbox.quickbooks.server import Modes
from tests.support.builders import a_bill, a_document
from tests.support.posting_fixture import a_desk, a_file, file_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Document
    from tests.support.posting_fixture import Desk

UPLOADS = [Modes(request_id_on_upload="honoured"), Modes(request_id_on_upload="ignored")]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def approved(desk: Desk, *files: Document) -> Item:
    """A bill with these files, on a desk where everything else is there already."""
    desk.post(desk.approve(replace(a_bill(odoo_id=1, bill_reference="I-0"), documents=())))
    desk.quickbooks.calls.clear()
    return desk.approve(a_bill(documents=files))


def arrived(desk: Desk) -> list[str]:
    return sorted(a["FileName"] for a in desk.realm.attachables.values())


def said(desk: Desk) -> list[str]:
    found: list[str] = desk.stored()["quickbooks"]["not_attached"]
    return found


def test_all_files_go_in_one_request(desk: Desk) -> None:
    item = approved(desk, *(a_file(n, i) for i, n in enumerate(("a.pdf", "b.png", "c.xlsx"), 1)))
    assert desk.post(item) == "POSTED"
    assert desk.quickbooks.calls == {"query": 1, "bill": 1, "upload": 1}
    assert arrived(desk) == ["a.pdf", "b.png", "c.xlsx"]
    assert sorted(desk.realm.files.values()) == sorted(
        map(file_bytes, ("a.pdf", "b.png", "c.xlsx"))
    )
    links = {a["AttachableRef"][0]["EntityRef"]["value"] for a in desk.realm.attachables.values()}
    assert links == {desk.stored()["quickbooks"]["id"]}
    assert said(desk) == []


def test_a_credits_files_hang_on_the_credit(desk: Desk) -> None:
    approved(desk)
    item = desk.approve(a_bill(move_type="in_refund", documents=(a_file("a.pdf"),)))
    assert desk.post(item) == "POSTED"
    [attachable_] = desk.realm.attachables.values()
    assert attachable_["AttachableRef"][0]["EntityRef"]["type"] == "VendorCredit"


def test_a_bill_without_files_uploads_nothing(desk: Desk) -> None:
    assert desk.post(approved(desk)) == "POSTED"
    assert desk.quickbooks.calls["upload"] == 0


def test_the_same_content_under_two_names_goes_once() -> None:
    one, other = a_document("a.pdf", odoo_id=1), a_document("copy.pdf", odoo_id=2)
    assert attachable((one, other)) == [one]


def test_two_files_of_one_name_both_go_and_none_goes_twice(desk: Desk) -> None:
    same = [a_file("scan.pdf", n) for n in (1, 2)]
    item = approved(desk, *same)
    # Other bytes of the same size: a different page from the same scanner.
    other = file_bytes("scan.pdf").replace(b"1.4", b"1.7")
    bill = a_bill(documents=tuple(same))
    kept = [
        Documents(desk.clients["s3"], "documents").keep(bill, d, data, main=False)
        for d, data in zip(same, (file_bytes("scan.pdf"), other), strict=True)
    ]
    desk.quickbooks.inject("reset", path="/upload", committed=True)
    item = _put(desk, item, replace(bill, documents=tuple(kept)))
    assert desk.post(item).startswith("AGAIN")
    assert desk.post(item) == "POSTED"
    assert arrived(desk) == ["scan.pdf", "scan.pdf"]
    assert sorted(desk.realm.files.values()) == sorted([file_bytes("scan.pdf"), other])


def _put(desk: Desk, item: Item, bill: Any) -> Item:
    """The approved item with documents that are stored already."""
    from odoo_qb.bill.item import content  # noqa: PLC0415
    from odoo_qb.store.attributes import attributes  # noqa: PLC0415 - as above

    approval = item["approvals"][0] | {"digest": bill.digest()}
    changed: Any = {**item, **content(bill), "approvals": [approval]}
    desk.clients["dynamodb"].put_item(TableName="bills", Item=attributes(changed))
    return changed  # type: ignore[no-any-return]


@pytest.mark.parametrize("modes", UPLOADS, ids=lambda m: m.request_id_on_upload)
@pytest.mark.parametrize("kind", ["reset", "truncated", "html", "unauthorized", "throttle"])
@pytest.mark.parametrize("committed", [True, False], ids=["committed", "not committed"])
def test_after_an_uncertain_upload_it_looks_before_it_sends_again(
    kind: Any, committed: bool, modes: Modes
) -> None:
    with a_desk(modes) as desk:
        item = approved(desk, a_file("a.pdf", 1), a_file("b.pdf", 2))
        desk.quickbooks.inject(kind, path="/upload", committed=committed, status=502)
        assert desk.post(item).startswith("AGAIN")
        assert desk.stored()["status"] == "POSTING"
        assert desk.post(item) == "POSTED"
        assert arrived(desk) == ["a.pdf", "b.pdf"]
        assert said(desk) == []
        assert len(desk.realm.bills) == 2


@pytest.mark.parametrize("modes", UPLOADS, ids=lambda m: m.request_id_on_upload)
def test_a_refusal_of_the_whole_request_is_not_believed_blindly(modes: Modes) -> None:
    with a_desk(modes) as desk:
        item = approved(desk, a_file("a.pdf", 1), a_file("b.pdf", 2))
        desk.quickbooks.inject("fault", path="/upload", status=200, code="6030", committed=True)
        assert desk.post(item) == "POSTED"
        assert arrived(desk) == ["a.pdf", "b.pdf"]
        assert desk.quickbooks.calls["upload"] == 1
        assert said(desk) == []


def test_what_a_request_was_too_much_for_is_sent_file_by_file(desk: Desk) -> None:
    item = approved(desk, a_file("a.pdf", 1), a_file("b.pdf", 2))
    desk.quickbooks.inject("fault", path="/upload", code="6030")
    assert desk.post(item) == "POSTED"
    assert arrived(desk) == ["a.pdf", "b.pdf"]
    assert desk.quickbooks.calls["upload"] == 3


def test_a_fault_for_one_file_inside_a_200_is_seen_and_that_file_sent_again(desk: Desk) -> None:
    item = approved(desk, a_file("a.pdf", 1), a_file("b.pdf", 2))
    desk.quickbooks.inject("refused_file", path="/upload")
    assert desk.post(item) == "POSTED"
    assert arrived(desk) == ["a.pdf", "b.pdf"]
    assert said(desk) == []


def test_a_file_that_stays_refused_is_named_and_the_bill_is_posted(desk: Desk) -> None:
    item = approved(desk, a_file("a.pdf", 1), a_file("b.pdf", 2))
    desk.quickbooks.inject("refused_file", path="/upload", times=2)
    assert desk.post(item) == "POSTED"
    assert arrived(desk) == ["b.pdf"]
    assert said(desk) == ["a.pdf could not be attached in QuickBooks: Virus found."]
    assert desk.stored()["quickbooks"]["attachments"] == ["b.pdf"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "6041",
            (
                "QuickBooks does not accept this file's type or content. Open it, save it as"
                " a PDF, and attach that in QuickBooks by hand."
            ),
        ),
        ("6000", "Virus found."),
    ],
)
def test_a_fault_of_one_file_is_told_as_what_to_do_with_it(code: str, why: str) -> None:
    error = {"Message": "m", "Detail": "Virus found", "code": code, "element": ""}
    answer = {"Fault": {"Error": [error], "type": "ValidationFault"}}
    assert fault_of_file(answer) == why


def test_another_size_is_said_and_not_sent_again_even_by_a_second_delivery(desk: Desk) -> None:
    desk.quickbooks.configure(modes={"request_id_on_upload": "ignored"})
    item = approved(desk, a_file("a.pdf"))
    desk.quickbooks.inject("wrong_size", path="/upload")
    assert desk.post(item) == "POSTED"
    size = len(file_bytes("a.pdf"))
    expected = (
        f"a.pdf has {size - 1} bytes in QuickBooks instead of {size}. Replace it there by hand."
    )
    assert said(desk) == [expected]
    again = desk.approve(a_bill(documents=(a_file("a.pdf"),)))  # the table knows nothing of it
    assert desk.post(again, "m2") == "ALREADY_IN_QB"
    assert said(desk) == [expected]
    assert arrived(desk) == ["a.pdf"]


@pytest.mark.parametrize("committed", [True, False])
def test_the_last_try_posts_the_bill_and_says_what_is_missing(committed: bool, desk: Desk) -> None:
    item = approved(desk, a_file("a.pdf"))
    desk.quickbooks.inject("reset", path="/upload", committed=committed)
    assert desk.post(item, last_try=True) == "POSTED"
    assert arrived(desk) == (["a.pdf"] if committed else [])
    assert said(desk) == (
        []
        if committed
        else ["a.pdf could not be attached in QuickBooks: QuickBooks did not answer."]
    )
    assert desk.quickbooks.calls["upload"] == 1


def test_a_last_try_that_cannot_even_look_sends_nothing(desk: Desk) -> None:
    item = approved(desk, a_file("a.pdf"))
    desk.quickbooks.inject("reset", path="/upload", committed=True)
    assert desk.post(item).startswith("AGAIN")
    desk.quickbooks.inject("reset", path="/query", nth=2, times=2)
    assert desk.post(item, last_try=True) == "POSTED"
    assert arrived(desk) == ["a.pdf"]
    assert "could not be attached" in said(desk)[0]


@pytest.mark.parametrize("code", ["5030", "4001"])
def test_a_refused_look_at_the_files_leaves_the_bill_posted_and_the_file_to_a_person(
    code: str, desk: Desk
) -> None:
    item = approved(desk, a_file("a.pdf"))
    desk.quickbooks.inject("reset", path="/upload", committed=True)
    assert desk.post(item).startswith("AGAIN")
    desk.quickbooks.inject("fault", path="/query", nth=2, times=2, code=code, status=400)
    assert desk.post(item) == "POSTED"
    assert arrived(desk) == ["a.pdf"]
    [sentence] = said(desk)
    assert "does not say whether it is already there, so check" in sentence
    assert f"(QuickBooks error {code})" in sentence


def test_a_file_that_is_gone_from_s3_is_named_and_the_bill_is_posted(desk: Desk) -> None:
    item = approved(desk, a_file("a.pdf", 1), a_file("b.pdf", 2))
    gone = item["documents"][0]
    desk.clients["s3"].delete_object(
        Bucket="documents", Key=gone["key"], VersionId=gone["version_id"]
    )
    assert desk.post(item) == "POSTED"
    assert arrived(desk) == ["b.pdf"]
    [sentence] = said(desk)
    assert sentence.startswith("a.pdf could not be attached in QuickBooks: its copy in S3 is gone.")


def test_a_connection_that_dies_at_the_upload_waits_and_goes_on(desk: Desk) -> None:
    item = approved(desk, a_file("a.pdf"))
    desk.quickbooks.inject("fault", path="/upload", status=403, code="3100")
    assert desk.post(item) == "WAITING"
    assert desk.stored()["status"] == "APPROVED"
    assert desk.post(desk.stored(), "m2") == "POSTED"
    assert arrived(desk) == ["a.pdf"]
    assert len(desk.realm.bills) == 2


def test_what_quickbooks_does_not_take_is_named(desk: Desk) -> None:
    files = (a_file("a.pdf", 1), replace(a_file("mail.eml", 2), type="message/rfc822"))
    assert desk.post(approved(desk, *files)) == "POSTED"
    assert arrived(desk) == ["a.pdf"]
    assert said(desk) == [
        "mail.eml will not be attached in QuickBooks: it takes no files of this type."
    ]


def test_many_bytes_go_in_several_requests(desk: Desk) -> None:
    bill, size = a_bill(), REQUEST_BYTES // 2 - 1
    kept = [
        Documents(desk.clients["s3"], "documents").keep(
            bill, a_file(f"{n}.pdf", n), bytes([n]) * size, main=False
        )
        for n in (1, 2, 3)
    ]
    item = _put(desk, approved(desk), replace(bill, documents=tuple(kept)))
    assert desk.post(item) == "POSTED"
    assert desk.quickbooks.calls["upload"] == 2
    assert arrived(desk) == ["1.pdf", "2.pdf", "3.pdf"]


@pytest.mark.parametrize("upload", ["decode", "store_verbatim"])
def test_the_bytes_arrive_as_they_are(upload: Any) -> None:
    with a_desk(Modes(upload=upload)) as desk:
        assert desk.post(approved(desk, a_file("a.pdf"))) == "POSTED"
        assert list(desk.realm.files.values()) == [file_bytes("a.pdf")]


@pytest.mark.parametrize(
    ("name", "type_", "taken"),
    [
        ("a.PDF", "application/octet-stream", ("a.PDF", "application/pdf")),
        ("Scan 12", "application/pdf", ("Scan 12.pdf", "application/pdf")),
        ("photo", "image/jpeg", ("photo.jpg", "image/jpeg")),
        ("v1.2", "image/png", ("v1.2.png", "image/png")),
        ("fax.tiff", "image/tiff", ("fax.tiff.tif", "image/tif")),
        ("e.xml", "application/xml", ("e.xml", "text/xml")),
        ("Größe 🎉.csv", "text/plain", ("Größe .csv", "text/csv")),
        ("n" * 1200 + ".pdf", "application/pdf", ("n" * 996 + ".pdf", "application/pdf")),
        ("page.html", "text/html", None),
        ("a.zip", "application/zip", None),
        ("pdf", "application/zip", None),
    ],
)
def test_a_file_goes_under_a_name_and_type_that_quickbooks_takes(
    name: str, type_: str, taken: tuple[str, str] | None, desk: Desk
) -> None:
    file = replace(a_file(name), type=type_)
    assert upload_as(file) == taken
    assert desk.post(approved(desk, file)) == "POSTED"
    assert arrived(desk) == ([taken[0]] if taken else [])
