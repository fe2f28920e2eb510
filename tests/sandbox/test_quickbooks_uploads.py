"""Files sent to the QuickBooks simulator."""

# ruff: noqa: S608 - QuickBooks' query language has no parameters, and the values are our own

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from sandbox.quickbooks.server import Modes
from tests.support.quickbooks_client import (
    PDF,
    US,
    Client,
    a_file,
    code,
    linked,
    post_bill,
)


def test_a_file_is_kept_to_the_byte_and_linked(client: Client) -> None:
    bill = post_bill(client)["Id"]
    answer = client.upload(*a_file(AttachableRef=linked(bill, "bill")))
    attachable = answer.json()["AttachableResponse"][0]["Attachable"]
    assert (attachable["Size"], attachable["FileName"]) == (len(PDF), "bill.pdf")
    kept = client.session.get(f"{client.url}{attachable['TempDownloadUri']}", timeout=5)
    assert kept.content == PDF
    found = client.rows(
        "select * from Attachable where AttachableRef.EntityRef.Type = 'bill' "
        f"and AttachableRef.EntityRef.value = '{bill}'"
    )
    assert [a["Id"] for a in found] == [attachable["Id"]]
    assert client.app.calls["upload"] == 1
    assert client.app.violations == []


def test_several_files_have_a_success_or_a_fault_each(client: Client) -> None:
    bill = post_bill(client)["Id"]
    good, lost = a_file("01", AttachableRef=linked(bill)), a_file("02", AttachableRef=linked("999"))
    odd = a_file("03", AttachableRef=linked("1", "Employee"))
    answer = client.upload(*good, *lost, *odd)
    assert answer.status_code == 200
    first, second, third = answer.json()["AttachableResponse"]
    assert first["Attachable"]["AttachableRef"][0]["EntityRef"]["value"] == bill
    assert second["Fault"]["Error"][0]["code"] == "610"
    assert third["Fault"]["Error"][0]["code"] == "6050"


def test_a_file_without_metadata_is_linked_to_nothing(client: Client) -> None:
    content = a_file()[1]
    answer = client.upload(content, ("AttachableRef", (None, "[]", "text/plain")))
    assert "AttachableRef" not in answer.json()["AttachableResponse"][0]["Attachable"]
    assert client.app.violations == [
        f"realm {US}: upload has a part that says nothing to QuickBooks: AttachableRef",
        f"realm {US}: upload left bill.pdf linked to nothing",
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ((None, "{", "application/json"), "6040"),
        ((None, "[]", "application/json"), "6040"),
        ((None, "{}", "text/plain"), "6040"),
        ((None, "{}", "application/json"), "2020"),
        ((None, '{"FileName": "x.pdf"}', "application/json"), "2020"),
    ],
)
def test_metadata_must_be_an_attachable(client: Client, part: Any, expected: str) -> None:
    answer = client.upload(("file_metadata_01", part), a_file()[1])
    assert answer.json()["AttachableResponse"][0]["Fault"]["Error"][0]["code"] == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [("m.html", "text/html"), ("m.zip", "application/pdf"), ("m.pdf", "image/heic")],
)
def test_only_some_types_of_file_are_taken(client: Client, name: str, kind: str) -> None:
    answer = client.upload(("file_content_01", (name, PDF, kind)))
    assert answer.json()["AttachableResponse"][0]["Fault"]["Error"][0]["code"] == "6041"
    assert client.app.realms[US].files == {}


def test_a_content_part_needs_a_filename_and_metadata_needs_content(client: Client) -> None:
    nameless = ("file_content_01", (None, PDF, "application/pdf"))
    answer = client.upload(nameless)
    assert answer.json()["AttachableResponse"][0]["Fault"]["Error"][0]["code"] == "2020"
    assert code(client.upload(a_file()[0], requestid="2")) == "2020"


@pytest.mark.parametrize(("mode", "kept"), [("decode", PDF), ("store_verbatim", None)])
def test_base64_may_be_stored_as_it_is(client: Client, mode: Any, kept: bytes | None) -> None:
    client.app.modes = Modes(upload=mode)
    encoded = base64.b64encode(PDF)
    headers = {"Content-Transfer-Encoding": "base64"}
    client.upload(("file_content_01", ("bill.pdf", encoded, "application/pdf", headers)))
    assert list(client.app.realms[US].files.values()) == [kept or encoded]


def test_what_is_not_base64_cannot_be_decoded(client: Client) -> None:
    headers = {"Content-Transfer-Encoding": "base64"}
    answer = client.upload(("file_content_01", ("a.pdf", b"abcde", "application/pdf", headers)))
    assert answer.json()["AttachableResponse"][0]["Fault"]["Error"][0]["code"] == "1050"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'--x\nContent-Disposition: form-data; name="file_content_1"\n\nx\n--x--', "x"),
        (b'--x\r\nContent-Disposition: form-data; name="file_content_1"\n\nx\r\n--x--', "x"),
        (b'--x\r\nContent-Disposition: form-data; name="file_content_1"\r\n\r\nx', "x"),
        (b"--y--", "x"),
        (b"--x--", ""),
    ],
)
def test_a_sloppy_multipart_body_is_refused(client: Client, body: bytes, kind: str) -> None:
    boundary = f"; boundary={kind}" if kind else ""
    headers = {"Content-Type": f"multipart/form-data{boundary}"}
    assert code(client.call("POST", "upload", data=body, headers=headers)) == "1050"


def test_a_request_has_a_largest_size(client: Client) -> None:
    client.app.configure(limits={"upload_bytes": 100})
    assert code(client.upload(*a_file())) == "6030"


@pytest.mark.parametrize(("mode", "files"), [("honoured", 1), ("ignored", 2)])
def test_an_uploads_request_id_may_be_ignored(client: Client, mode: Any, files: int) -> None:
    client.app.modes = Modes(request_id_on_upload=mode)
    content = a_file()[1]
    url = f"{client.url}/v3/company/{US}/upload?requestid=up"
    prepared = requests.Request("POST", url, files=[content]).prepare()
    for _ in range(2):
        client.call(
            "POST",
            "upload?requestid=up",
            data=prepared.body,
            headers={"Content-Type": prepared.headers["Content-Type"]},
        )
    assert len(client.app.realms[US].files) == files
