"""Calls to QuickBooks: what each answer means, and the holes of the libraries closed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from odoo_qb.errors import Disconnected, Refused, Throttled, Unavailable
from odoo_qb.quickbooks.client import File, QuickBooksClient, quoted
from odoo_qb.quickbooks.error_codes import RequestKnown, TokenRejected, refusal_of
from sandbox.quickbooks.server import Modes
from tests.support.posting_fixture import REALM, a_desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.posting_fixture import Desk

TID = {"intuit_tid": "1-abc"}


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


# -- which error means what -----------------------------------------------------------------


def service(code: str, detail: str = "why") -> str:
    error = {"Message": "m", "Detail": detail, "code": code, "element": "e"}
    return json.dumps({"Fault": {"Error": [error], "type": "ValidationFault"}})


def gateway(code: str) -> str:
    error = {"message": f"message=M; errorCode=00{code}", "detail": None, "code": code}
    return json.dumps({"warnings": None, "fault": {"error": [error], "type": "SERVICE"}})


def xml(code: str) -> str:
    fault = f'<Fault type="X"><Error code="{code}"><Message>m</Message><Detail>why</Detail></Error>'
    return f'<?xml version="1.0"?><IntuitResponse time="t">{fault}</Fault></IntuitResponse>'


HTML = "<html><head><title>502</title></head><body>Bad gateway</body></html>"


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        (HTML, "it gave no readable reason"),
        ('{"Fault": {"Error": []}}', "it gave no readable reason"),
        ("Traceback (most recent call last): x", "it gave no readable reason"),
        ("NullPointerException at com.intuit.Bill", "it gave no readable reason"),
        ("", "it gave no reason"),
        ("No account\n Freight <inbound> {20}.", "No account Freight <inbound> {20}"),
        ("The token " + "x" * 60, "The token ***"),
    ],
)
def test_of_what_quickbooks_says_only_words_are_told(detail: str, told: str) -> None:
    assert f"QuickBooks refused: {told}." in str(refusal_of(400, {}, service("6000", detail)))


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, '{"Bill": {"Id": "1"}}', None),
        (200, '{"QueryResponse": {}}', None),
        (401, gateway("3200"), TokenRejected),
        (401, HTML, TokenRejected),
        (401, xml("3200"), TokenRejected),
        (400, service("100"), TokenRejected),
        (400, service("110"), TokenRejected),
        (500, service("120"), TokenRejected),
        (400, service("130"), Unavailable),
        (400, service("140"), Unavailable),
        (400, service("150"), Unavailable),
        (403, gateway("3100"), Disconnected),
        (403, gateway("3201"), Disconnected),
        (403, xml("3100"), Disconnected),
        (403, '{"code": "AuthorizationFailed", "type": "INPUT"}', Disconnected),
        (403, HTML, Unavailable),
        (403, "{}", Unavailable),
        (400, service("6190"), Disconnected),
        (429, gateway("3001"), Throttled),
        (429, xml("3001"), Throttled),
        (429, HTML, Throttled),
        (403, gateway("3001"), Throttled),
        (403, "message=ThrottleExceeded; errorCode=003001; statusCode=403", Throttled),
        (400, service("600"), RequestKnown),
        (400, service("500"), Refused),
        (500, service("500", "Invalid byte 1 of 1-byte UTF-8 sequence"), Refused),
        (400, service("610"), Refused),
        (400, service("2010"), Refused),
        (400, service("2020"), Refused),
        (400, service("2030"), Refused),
        (400, service("2040"), Refused),
        (400, service("2050"), Refused),
        (400, service("2170"), Refused),
        (400, service("2500"), Refused),
        (400, service("4000"), Refused),
        (400, service("4001"), Refused),
        (400, service("5010"), Refused),
        (400, service("5020"), Refused),
        (400, service("5030"), Refused),
        (400, service("6000"), Refused),
        (400, service("6030"), Refused),
        (400, service("6040"), Refused),
        (400, service("6050"), Refused),
        (400, service("6070"), Refused),
        (400, service("6100"), Refused),
        (400, service("6140"), Refused),
        (400, service("6210"), Refused),
        (400, service("6240"), Refused),
        (400, xml("6140"), Refused),
        (200, service("6000"), Refused),
        (200, gateway("6000"), Refused),
        (400, service("77"), Refused),
        (400, '{"Fault": {"Error": [{"Message": "no code"}]}}', Refused),
        (400, service("10000"), Unavailable),
        (200, service("10001"), Unavailable),
        (500, service("10000"), Unavailable),
        (500, service("6000"), Unavailable),
        (503, service("6000"), Unavailable),
        (502, HTML, Unavailable),
        (503, HTML, Unavailable),
        (504, "", Unavailable),
        (200, HTML, Unavailable),
        (200, '{"Bill": {"Id": "1"', Unavailable),
        (200, "null", Unavailable),
        (200, "[]", Unavailable),
        (404, '{"message": "no Route matched"}', Unavailable),
        (400, "{}", Unavailable),
    ],
)
def test_each_answer_has_one_meaning(status: int, body: str, meaning: type | None) -> None:
    refusal = refusal_of(status, TID, body)
    assert type(refusal) is (meaning or type(None))


@pytest.mark.parametrize(
    "code",
    [
        "500", "610", "2010", "2500", "5010", "5020", "5030", "6000", "6030", "6040", "6050",
        "6070", "6100", "6140", "6210", "6240", "77",
    ],
)  # fmt: skip
def test_each_refusal_tells_a_bookkeeper_what_to_do(code: str) -> None:
    refusal = refusal_of(400, TID, service(code, 'Property "x"\n of {"a": 1} is wrong.'))
    assert isinstance(refusal, Refused)
    sentence = str(refusal)
    verbs = ("make it", "retry", "ask", "attach", "keep", "correct", "check", "link", "create")
    assert any(verb in sentence.lower() for verb in (*verbs, "tell the operator")), sentence
    assert sentence.endswith(f"(QuickBooks error {code})")
    assert "Fault" not in sentence
    assert "\n" not in sentence
    assert (refusal.code, refusal.tid) == (code, "1-abc")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, 60), ({"Retry-After": "7"}, 7), ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60)],
)
def test_a_throttle_waits_as_long_as_it_says_else_a_minute(
    headers: dict[str, str], seconds: int
) -> None:
    refusal = refusal_of(429, headers, gateway("3001"))
    assert isinstance(refusal, Throttled)
    assert refusal.wait_seconds == seconds


def test_a_bill_that_speaks_of_throttles_is_no_throttle() -> None:
    assert refusal_of(200, {}, '{"Bill": {"PrivateNote": "ThrottleExceeded"}}') is None


# -- the client -----------------------------------------------------------------------------


def test_no_call_but_the_token_and_the_query_is_made(desk: Desk) -> None:
    desk.api().query("select * from Term")
    desk.api().query("select * from Term")
    assert desk.quickbooks.calls == {"token": 1, "query": 2}


class Recorder(HTTPAdapter):
    """Notes how long each request would wait, and does not send it."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[Any] = []

    def send(self, *_arguments: Any, timeout: Any = None, **_others: Any) -> requests.Response:
        self.timeouts.append(timeout)
        raise requests.ConnectionError


def test_no_call_waits_for_ever(desk: Desk) -> None:
    recorder = Recorder()
    connection = desk.connection()
    connection._auth._session.mount("http://", recorder)
    with pytest.raises(Unavailable):
        connection.access_token()
    api = desk.api()
    api._client.session.mount("http://", recorder)
    calls: list[Callable[[], object]] = [
        api.preferences,
        lambda: api.query("select * from Term"),
        lambda: api.create("Bill", "{}", "r1"),
        lambda: api.attach("Bill", "1", [File("a.pdf", "application/pdf", b"x")], "r2"),
    ]
    for call in calls:
        with pytest.raises(Unavailable):
            call()
    assert len(recorder.timeouts) == 5
    assert all(isinstance(t, tuple) and 0 < max(t) < 60 for t in recorder.timeouts)


def test_amounts_are_decimals_from_the_first_byte(desk: Desk) -> None:
    company = desk.realm
    vendor = company.add("Vendor", {"DisplayName": "A", "CurrencyRef": {"value": "USD"}}, desk.now)
    body = {
        "VendorRef": {"value": vendor["Id"]},
        "CurrencyRef": {"value": "USD"},
        "Line": [
            {
                "DetailType": "AccountBasedExpenseLineDetail",
                "Amount": 0.1,
                "AccountBasedExpenseLineDetail": {
                    "AccountRef": {"value": company.id_of("Account", "612000")}
                },
            }
        ],
    }
    made = desk.api().create("Bill", json.dumps(body), "r1")
    assert repr(made["TotalAmt"]) == "Decimal('0.10')"


def test_an_expired_token_is_renewed_once_and_the_call_repeated(desk: Desk) -> None:
    api = desk.api()
    api.query("select * from Term")
    desk.quickbooks.inject("unauthorized", path="/query")
    assert api.query("select * from Term")
    assert desk.quickbooks.calls["token"] == 2


def test_a_token_that_is_refused_twice_means_a_dead_connection(desk: Desk) -> None:
    desk.quickbooks.inject("unauthorized", path="/query", times=2)
    with pytest.raises(Disconnected) as refused:
        desk.api().query("select * from Term")
    assert refused.value.code == "3200"
    assert refused.value.tid


def test_another_companys_realm_is_refused_with_what_to_check() -> None:
    with a_desk() as desk:
        desk.quickbooks.add_realm("7", "Other", refresh_token="other")
        api = QuickBooksClient(connection=desk.connection(), realm_id="7", api_url=desk.url)
        with pytest.raises(Disconnected, match="qb_realm_ids"):
            api.query("select * from Term")


@pytest.mark.parametrize("backslash", ["escapes", "literal"])
@pytest.mark.parametrize(
    "name", ["O'Neil & Söhne", "50% #1+2", "back\\slash", "a\\' OR Active = true", '"quoted"']
)
def test_a_name_is_found_exactly_whatever_is_in_it(name: str, backslash: Any) -> None:
    with a_desk(Modes(backslash=backslash)) as desk:
        for other in (name, f"{name} Inc", "Somebody"):
            vendor = {
                "DisplayName": other,
                "CurrencyRef": {"value": "USD"},
                "Active": other != name,
            }
            desk.realm.add("Vendor", vendor, desk.now)
        found = desk.api().find_by_name("Vendor", name.upper())
        assert [v["DisplayName"] for v in found] == [name]
        assert desk.quickbooks.violations == []


def test_a_quote_and_a_backslash_are_escaped_in_this_order() -> None:
    assert quoted("O'Neil\\") == "O\\'Neil\\\\"


def test_calls_keep_their_distance(desk: Desk) -> None:
    waits: list[float] = []
    api = QuickBooksClient(
        connection=desk.connection(),
        realm_id=REALM,
        api_url=desk.url,
        calls_per_minute=1,
        sleep=waits.append,
    )
    for _ in range(3):
        api.begin_batch().query("select * from Term")
    assert len(waits) == 3
    assert all(10 < w <= 60 for w in waits)  # of a minute, what the call itself took is over


def test_every_write_has_a_request_id_and_files_go_as_they_are(desk: Desk) -> None:
    vendor = desk.api().create("Vendor", '{"DisplayName": "Acme"}', "r1")
    files = [
        File('Größe "1".pdf', "application/pdf", bytes(range(256))),
        File("b.txt", "text/plain", b"b"),
    ]
    rows = desk.api().attach("Vendor", vendor["Id"], files, "r2")
    assert [r["FileName"] for r in rows] == ['Größe "1".pdf', "b.txt"]
    assert list(desk.realm.files.values()) == [bytes(range(256)), b"b"]
    assert desk.quickbooks.violations == []


def test_an_upload_is_not_repeated_after_a_rejected_token(desk: Desk) -> None:
    desk.quickbooks.inject("unauthorized", path="/upload", committed=True)
    vendor = desk.api().create("Vendor", '{"DisplayName": "Acme"}', "r1")
    with pytest.raises(Unavailable):
        desk.api().attach("Vendor", vendor["Id"], [File("a.pdf", "application/pdf", b"x")], "r2")
    assert len(desk.realm.attachables) == 1


def test_a_document_is_read_by_its_id(desk: Desk) -> None:
    with pytest.raises(Refused, match="610"):
        desk.api().read("Bill", "99")
    made = desk.realm.add("Bill", {"TotalAmt": 5}, desk.now)
    assert desk.api().read("Bill", made["Id"])["TotalAmt"] == 5


def test_a_token_that_quickbooks_repeats_is_not_told() -> None:
    token = "eyJlbmMiOiJBMTI4" * 4
    refusal = refusal_of(400, TID, service("6000", f"Bad header Bearer {token}."))
    assert token not in str(refusal)
    assert "Bad header Bearer ***" in str(refusal)
