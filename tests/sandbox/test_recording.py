"""The recorder passes everything on as it is, keeps what passed, and traces no secret."""

from __future__ import annotations

import base64
import json
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from werkzeug.wrappers import Request, Response

from sandbox.http_server import serve
from sandbox.quickbooks.server import QuickBooks
from sandbox.recording import Recorder, forward

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    from sandbox.http_server import Server

Json = dict[str, Any]


class Vendor:
    """Answers what a test wants and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer = Response("{}", mimetype="application/json")
        self.asked: list[Request] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.get_data()
        self.asked.append(request)
        return self.answer(environ, start_response)


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def a_recorder(
    servers: ExitStack, vendor: Any, **options: Any
) -> tuple[Recorder, Server, requests.Session]:
    recorder = Recorder(vendor, **options)
    servers.callback(recorder.close)
    server = servers.enter_context(serve(recorder))
    session = servers.enter_context(requests.Session())
    session.trust_env = False
    return recorder, server, session


def test_an_exchange_is_kept_with_its_answer(servers: ExitStack) -> None:
    vendor = Vendor()
    vendor.answer = Response('{"id": 7}', 201, mimetype="application/json")
    recorder, server, session = a_recorder(servers, vendor)

    answer = session.post(f"{server.url}/bill?requestid=a%20b", json={"total": 12.5})

    assert (answer.status_code, answer.json()) == (201, {"id": 7})
    (exchange,) = recorder.exchanges
    assert exchange.pop("at").endswith("Z")
    assert exchange == {
        "method": "POST",
        "path": "/bill",
        "query": {"requestid": "a b"},
        "body": {"total": 12.5},
        "status": 201,
        "answer": {"id": 7},
    }


def test_forms_are_objects_and_files_are_lengths_and_hashes(servers: ExitStack) -> None:
    recorder, server, session = a_recorder(servers, Vendor())

    session.post(f"{server.url}/token", data={"grant_type": "refresh_token"})
    parts: dict[str, tuple[str | None, bytes, str]] = {
        "metadata": (None, b'{"FileName": "bill.pdf"}', "application/json"),
        "content": ("bill.pdf", b"%PDF", "application/pdf"),
    }
    session.post(f"{server.url}/upload", files=parts)
    session.post(f"{server.url}/raw", data=b"\x00\x01", headers={"Content-Type": "image/png"})

    form, upload, raw = (e["body"] for e in recorder.exchanges)
    assert form == {"grant_type": "refresh_token"}
    assert upload["metadata"] == {"FileName": "bill.pdf"}
    assert upload["content"]["length"] == 4
    assert raw["length"] == 2
    assert len(raw["sha256"]) == 64


def test_files_that_odoo_sends_as_text_are_not_kept(servers: ExitStack) -> None:
    vendor = Vendor()
    files = [{"id": 1, "datas": base64.b64encode(b"%PDF-1.7").decode()}, {"id": 2, "datas": False}]
    vendor.answer = Response(json.dumps({"result": files}), mimetype="application/json")
    recorder, server, session = a_recorder(servers, vendor)

    assert session.post(f"{server.url}/jsonrpc", json={}).json() == {"result": files}

    told = recorder.exchanges[0]["answer"]["result"]
    assert (told[0]["datas"]["length"], told[1]["datas"]) == (8, False)


def test_a_server_that_names_no_content_type_is_still_understood(servers: ExitStack) -> None:
    vendor = Vendor()
    vendor.answer = Response('{"ok": true}')
    vendor.answer.headers.remove("Content-Type")
    recorder, server, session = a_recorder(servers, vendor)

    session.get(server.url)

    assert recorder.exchanges[0]["answer"] == {"ok": True}


def test_a_body_sent_in_chunks_arrives_whole(servers: ExitStack) -> None:
    vendor = Vendor()
    recorder, server, session = a_recorder(servers, vendor)

    pieces = (piece for piece in (b'{"a":', b" 1}"))
    session.post(server.url, data=pieces, headers={"Content-Type": "application/json"})

    assert vendor.asked[0].get_json() == {"a": 1}
    assert recorder.exchanges[0]["body"] == {"a": 1}


def test_secrets_are_hidden_in_the_trace_and_nowhere_else(
    servers: ExitStack, tmp_path: Path
) -> None:
    vendor = Vendor()
    vendor.answer = Response('{"access_token": "fresh", "x": "admin"}', mimetype="application/json")
    trace = tmp_path / "trace.jsonl"
    recorder, server, session = a_recorder(
        servers, vendor, secrets=["a-long-secret", "a-long-secret-too", "admin", ""], trace=trace
    )

    args: Any = ["db", 2, "admin", "key a-long-secret-too", "administrator of admin"]
    link = "see https://s3/bill.pdf?X-Amz-Signature=c0ffee&X-Amz-Expires=300|Open"
    session.post(f"{server.url}/response/t0ken", json={"args": args, "text": link})

    line = json.loads(trace.read_text())
    assert line["path"] == "/response/***"
    assert line["body"]["args"] == ["db", 2, "***", "key ***", "administrator of admin"]
    assert line["body"]["text"] == link.replace("c0ffee", "***")
    assert line["answer"] == {"access_token": "***", "x": "***"}
    assert recorder.exchanges[0]["body"]["args"] == args


def test_a_broken_connection_stays_broken_and_is_traced_without_an_answer(
    servers: ExitStack, tmp_path: Path
) -> None:
    quickbooks = QuickBooks()
    quickbooks.inject("reset", times=2)
    direct, server, session = a_recorder(servers, quickbooks, trace=tmp_path / "direct")
    outside = servers.enter_context(serve(quickbooks))
    through, proxy, _ = a_recorder(servers, forward(outside.url), trace=tmp_path / "through")

    for url in (server.url, proxy.url):
        with pytest.raises(requests.ConnectionError):
            session.get(f"{url}/v3/company/1/query")

    for recorder, file in ((direct, "direct"), (through, "through")):
        until = time.monotonic() + 10  # the client hears of the break before it is written down
        while not recorder.exchanges and time.monotonic() < until:
            time.sleep(0.01)
        assert recorder.exchanges[0]["status"] is None
        assert json.loads((tmp_path / file).read_text())["answer"] is None


def test_a_server_that_is_not_there_is_not_there_through_the_proxy(servers: ExitStack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        _, proxy, session = a_recorder(servers, forward(nowhere))

        with pytest.raises(requests.ConnectionError):
            session.get(proxy.url)


def test_the_proxy_passes_requests_and_answers_on_as_they_are(servers: ExitStack) -> None:
    vendor = Vendor()
    vendor.answer = Response("gone", 404, {"intuit_tid": "1-2", "Content-Type": "text/odd"})
    outside = servers.enter_context(serve(vendor))
    _, proxy, session = a_recorder(servers, forward(f"{outside.url}/"))

    answer = session.put(
        f"{proxy.url}/a%2Fb/c?q=%2C%26", data=b"raw", headers={"Authorization": "Bearer x"}
    )

    assert (answer.status_code, answer.text) == (404, "gone")
    assert answer.headers["intuit_tid"] == "1-2"
    assert answer.headers["Content-Type"] == "text/odd"
    (asked,) = vendor.asked
    assert asked.environ["REQUEST_URI"] == "/a%2Fb/c?q=%2C%26"
    assert (asked.method, asked.get_data()) == ("PUT", b"raw")
    assert asked.headers["Authorization"] == "Bearer x"
    assert asked.headers["Host"] == urlsplit(outside.url).netloc


def test_the_proxy_follows_no_redirect_and_answers_its_own_paths(servers: ExitStack) -> None:
    vendor = Vendor()
    vendor.answer = Response("", 302, {"Location": "https://elsewhere.example/"})
    outside = servers.enter_context(serve(vendor))
    _, proxy, session = a_recorder(servers, forward(outside.url, own_paths="/response/"))

    assert session.get(proxy.url, allow_redirects=False).status_code == 302
    own = session.post(f"{proxy.url}/response/1", json={})

    assert (own.status_code, own.content) == (200, b"")
    assert len(vendor.asked) == 1
