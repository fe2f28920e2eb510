"""The QuickBooks simulator keeps the rules that QuickBooks keeps, and breaks when told to."""


# ruff: noqa: S608 - QuickBooks' query language has no parameters, and the values are our own

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.http_server import serve
from sandbox.quickbooks.errors import CALCULATING_TAX
from sandbox.quickbooks.opening import add_tax_code, add_tax_rate
from sandbox.quickbooks.server import Limits, Modes, QuickBooks
from sandbox.quickbooks.shape import check_shape
from sandbox.quickbooks.store import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

US, GB, CA = "9130350000000001", "9130350000000002", "9130350000000003"
PDF = b"%PDF-1.4\r\n\x00\xff"
NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


def known(name: str) -> Any:
    """What is known of the real QuickBooks: a file of data/quickbooks."""
    path = Path(__file__).parents[1] / "quickbooks" / "data" / f"{name}.json"
    return json.loads(path.read_text("utf-8"), parse_float=Decimal)


@dataclass(slots=True)
class Clock:
    now: datetime = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True)
class Client:
    """What a test says to QuickBooks, with a token and a request id of its own each time."""

    app: QuickBooks
    url: str
    session: requests.Session
    realm_id: str = US
    token: str = ""
    sent: int = 0
    headers: dict[str, str] = field(default_factory=lambda: {"Accept": "application/json"})

    def refresh(self, token: str = "", **options: Any) -> requests.Response:
        answer = self.session.post(
            f"{self.url}/oauth2/v1/tokens/bearer",
            data={
                "grant_type": "refresh_token",
                "refresh_token": token or f"seed-{self.realm_id}",
            },
            auth=("sandbox-client", "sandbox-client-secret"),
            timeout=5,
            **options,
        )
        if answer.ok:
            self.token = answer.json()["access_token"]
        return answer

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        if not self.token:
            self.refresh()
        headers = {
            **self.headers,
            "Authorization": f"Bearer {self.token}",
            **options.pop("headers", {}),
        }
        url = f"{self.url}/v3/company/{options.pop('realm', self.realm_id)}/{path}"
        options.setdefault("timeout", 5)
        return self.session.request(method, url, headers=headers, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(
        self, path: str, payload: Any, request_id: str = "", **params: str
    ) -> requests.Response:
        self.sent += 1
        params["requestid"] = request_id or f"request-{self.sent}"
        return self.call(
            "POST",
            path,
            data=to_json(payload),
            params=params,
            headers={"Content-Type": "application/json"},
        )

    def query(self, statement: str) -> requests.Response:
        return self.get("query", params={"query": statement})

    def rows(self, statement: str) -> list[dict[str, Any]]:
        answer = self.query(statement)
        assert answer.ok, answer.text
        response = answer.json()["QueryResponse"]
        return next((v for v in response.values() if isinstance(v, list)), [])

    def vendor(self, name: str = "ACME", **more: Any) -> str:
        answer = self.post("vendor", {"DisplayName": name, **more})
        assert answer.ok, answer.text
        return str(answer.json()["Vendor"]["Id"])

    def upload(self, *parts: tuple[str, tuple[Any, ...]], **params: str) -> requests.Response:
        return self.call("POST", "upload", files=list(parts), params={"requestid": "up", **params})


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def application(clock: Clock) -> QuickBooks:
    app = QuickBooks(clock=clock, limits=Limits(enforced=False))
    app.add_realm(US, "Acme Inc", refresh_token=f"seed-{US}")
    app.add_realm(GB, "Acme Ltd", refresh_token=f"seed-{GB}", country="GB")
    app.add_realm(CA, "Acme Canada", refresh_token=f"seed-{CA}", country="CA")
    return app


@pytest.fixture(scope="module")
def url(application: QuickBooks) -> Iterator[str]:
    with serve(application) as server:
        yield server.url


@pytest.fixture
def client(application: QuickBooks, url: str, clock: Clock) -> Iterator[Client]:
    clock.now = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    application.reset()
    with requests.Session() as session:
        yield Client(application, url, session)


@pytest.fixture
def british(client: Client) -> Client:
    client.realm_id = GB
    return client


@pytest.fixture
def canadian(client: Client) -> Client:
    client.realm_id = CA
    return client


def code(answer: requests.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["Fault"]["Error"][0]["code"])


def account(client: Client, name: str = "Rent") -> str:
    return client.app.realms[client.realm_id].id_of("Account", name)


def a_line(client: Client, amount: str = "100.10", /, **detail: Any) -> dict[str, Any]:
    return {
        "Amount": Decimal(amount),
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": {"AccountRef": {"value": account(client)}, **detail},
    }


def a_bill(client: Client, vendor: str = "", *amounts: str, **more: Any) -> dict[str, Any]:
    """A bill the US company accepts; None takes a field away."""
    bill = {
        "VendorRef": {"value": vendor or client.vendor(f"Vendor {client.sent}")},
        "CurrencyRef": {"value": "USD"},
        "TxnDate": "2026-11-02",
        "DocNumber": "INV-1",
        "Line": [a_line(client, amount) for amount in amounts or ("100.10",)],
        **more,
    }
    return {name: value for name, value in bill.items() if value is not None}


def a_british_bill(client: Client, *codes: str, **more: Any) -> dict[str, Any]:
    lines = [("33.33", name) for name in codes]
    return a_taxed_bill(client, *lines, **({} if lines else {"Line": [a_line(client)]}), **more)


def a_taxed_bill(client: Client, *lines: tuple[str, str], **more: Any) -> dict[str, Any]:
    """A bill of a company outside the US, of amounts with the names of their tax codes."""
    realm = client.app.realms[client.realm_id]
    codes = [{"value": realm.id_of("TaxCode", name)} for _, name in lines]
    taxed = [a_line(client, lines[n][0], TaxCodeRef=ref) for n, ref in enumerate(codes)]
    home = {"value": realm.home_currency}
    bill = {"Line": taxed, "CurrencyRef": home, "GlobalTaxCalculation": "TaxExcluded"}
    return a_bill(client, **{**bill, **more})


def a_tax_line(rate: str, amount: str, net: str, **more: Any) -> dict[str, Any]:
    """An override: the tax of a rate, not based on a percent."""
    detail = {
        "TaxRateRef": {"value": rate},
        "PercentBased": False,
        "NetAmountTaxable": Decimal(net),
        **more,
    }
    return {"Amount": Decimal(amount), "DetailType": "TaxLineDetail", "TaxLineDetail": detail}


def taxes_of(bill: dict[str, Any]) -> list[Decimal]:
    return [line["Amount"] for line in bill["TxnTaxDetail"]["TaxLine"]]


def a_file(number: str = "01", **more: Any) -> list[tuple[str, tuple[Any, ...]]]:
    """Metadata and content for one PDF."""
    metadata = {"FileName": "bill.pdf", "ContentType": "application/pdf", **more}
    return [
        (f"file_metadata_{number}", (None, json.dumps(metadata), "application/json")),
        (f"file_content_{number}", ("bill.pdf", PDF, "application/pdf")),
    ]


def linked(bill: str, kind: str = "Bill") -> list[dict[str, Any]]:
    return [{"EntityRef": {"type": kind, "value": bill}}]


def post_bill(client: Client, payload: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    answer = client.post("bill", payload or a_bill(client, **more))
    assert answer.ok, answer.text
    bill: dict[str, Any] = answer.json(parse_float=Decimal)["Bill"]
    return bill


# The token endpoint.


def test_a_refresh_gives_an_access_token_for_an_hour_and_the_same_refresh_token(
    client: Client,
) -> None:
    answer = client.refresh().json()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)
    assert answer["refresh_token"] == f"seed-{US}"
    assert "x_refresh_token_hard_expires_in" not in answer
    assert client.get("preferences").ok


def test_the_five_year_limit_is_told_to_who_asks(client: Client, clock: Clock) -> None:
    clock.now += timedelta(days=1)
    answer = client.refresh(headers={"x-include-refresh-token-hard-expires-in": "true"}).json()
    assert answer["x_refresh_token_hard_expires_in"] == 157_680_000 - 86_400


def test_a_wrong_client_secret_is_invalid_client(client: Client) -> None:
    answer = client.session.post(
        f"{client.url}/oauth2/v1/tokens/bearer", data={}, auth=("sandbox-client", "x"), timeout=5
    )
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize("header", ["", "Basic", "Basic ?", "Bearer c2FuZGJveDp4"])
def test_garbled_credentials_are_invalid_client(client: Client, header: str) -> None:
    answer = client.session.post(
        f"{client.url}/v2/oauth2/tokens/revoke", headers={"Authorization": header}, timeout=5
    )
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_an_unknown_refresh_token_is_invalid_grant(client: Client) -> None:
    answer = client.refresh("never-issued")
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "Incorrect or invalid refresh token",
    }
    assert answer.headers["intuit_tid"].startswith("1-")


def test_only_refresh_tokens_are_granted(client: Client) -> None:
    answer = client.session.post(
        f"{client.url}/oauth2/v1/tokens/bearer",
        data={"grant_type": "password"},
        auth=("sandbox-client", "sandbox-client-secret"),
        timeout=5,
    )
    assert answer.json() == {"error": "unsupported_grant_type"}


def test_sticky_rotation_changes_the_token_after_a_day(client: Client, clock: Clock) -> None:
    clock.now += timedelta(hours=23)
    assert client.refresh().json()["refresh_token"] == f"seed-{US}"
    clock.now += timedelta(hours=1)
    assert client.refresh().json()["refresh_token"] != f"seed-{US}"


def test_every_use_rotation_kills_the_old_token_at_once(client: Client) -> None:
    client.app.modes = Modes(rotation="every_use")
    new = client.refresh().json()["refresh_token"]
    assert client.refresh().json()["error"] == "invalid_grant"
    assert client.refresh(new).ok
    assert client.app.violations == [f"realm {US}: a stale refresh token was used"]


def test_an_old_token_may_have_a_day_of_grace(client: Client, clock: Clock) -> None:
    client.app.modes = Modes(rotation="every_use", stale_refresh="grace24h")
    client.refresh()
    assert client.refresh().ok
    clock.now += timedelta(hours=24)
    assert client.refresh().status_code == 400


def test_reusing_an_old_token_may_kill_the_new_one(client: Client) -> None:
    client.app.modes = Modes(rotation="every_use", stale_refresh="reuse_kills_family")
    new = client.refresh().json()["refresh_token"]
    client.refresh()
    assert client.refresh(new).json()["error"] == "invalid_grant"
    assert client.get("preferences").status_code == 401


@pytest.mark.parametrize("days", [101, 5 * 365])
def test_a_refresh_token_dies_of_idleness(client: Client, clock: Clock, days: int) -> None:
    clock.now += timedelta(days=100)
    new = client.refresh().json()["refresh_token"]
    clock.now += timedelta(days=days)
    assert client.refresh(new).status_code == 400


def test_a_connection_ends_after_five_years_of_use(client: Client, clock: Clock) -> None:
    token = f"seed-{US}"
    for _ in range(18):
        clock.now += timedelta(days=100)
        token = client.refresh(token).json()["refresh_token"]
    clock.now += timedelta(days=25)
    assert client.refresh(token).status_code == 400


def test_a_revoked_token_ends_its_access_tokens_too(client: Client) -> None:
    client.refresh()
    answer = client.session.post(
        f"{client.url}/v2/oauth2/tokens/revoke",
        json={"token": f"seed-{US}"},
        auth=("sandbox-client", "sandbox-client-secret"),
        timeout=5,
    )
    assert answer.status_code == 200
    assert client.refresh().status_code == 400
    assert client.get("preferences").status_code == 401


def test_a_new_connection_replaces_the_old_one(client: Client) -> None:
    client.app.connect(US, "seed-two")
    assert client.refresh().status_code == 400
    assert client.refresh("seed-two").ok


def test_two_refreshes_at_once_are_a_violation_and_may_revoke_both(client: Client) -> None:
    client.app.modes = Modes(concurrent_refresh="revokes_family")
    client.app.inject("slow", path="/tokens/bearer", seconds=0.3, times=2)
    with ThreadPoolExecutor(2) as pool:
        statuses = [f.result().status_code for f in [pool.submit(client.refresh) for _ in "ab"]]
    assert 400 in statuses
    assert client.app.violations == [f"realm {US}: two refreshes were under way"]
    assert client.refresh().status_code == 400


def test_discovery_names_this_server(client: Client) -> None:
    for name in ("openid_configuration", "openid_sandbox_configuration/"):
        found = client.session.get(f"{client.url}/.well-known/{name}", timeout=5).json()
        assert found["token_endpoint"] == f"{client.url}/oauth2/v1/tokens/bearer"
    assert client.app.calls["discovery"] == 2


# The gateway.


def test_an_expired_access_token_is_refused_in_the_gateways_words(
    client: Client, clock: Clock
) -> None:
    client.refresh()
    clock.now += timedelta(hours=1)
    answer = client.get("preferences")
    assert answer.status_code == 401
    fault = answer.json()["fault"]
    assert fault["type"] == "AUTHENTICATION"
    assert fault["error"][0]["code"] == "3200"


@pytest.mark.parametrize("header", ["", "Bearer unknown", "Basic abc"])
def test_a_request_needs_a_living_bearer_token(client: Client, header: str) -> None:
    assert client.get("preferences", headers={"Authorization": header}).status_code == 401


def test_a_token_of_another_company_is_forbidden(client: Client) -> None:
    answer = client.get("preferences", realm=GB)
    assert answer.status_code == 403
    assert answer.json()["fault"]["error"][0]["code"] == "3100"


def test_using_an_older_access_token_after_a_refresh_is_a_violation(client: Client) -> None:
    client.refresh()
    old = client.token
    client.refresh()
    assert client.get("preferences", headers={"Authorization": f"Bearer {old}"}).ok
    assert client.app.violations == [
        f"realm {US}: an access token was used after a newer one was issued"
    ]


def test_the_eleventh_request_in_a_second_is_throttled(client: Client, clock: Clock) -> None:
    client.app.configure(limits={"enforced": True})
    assert all(client.get("preferences").ok for _ in range(10))
    answer = client.get("preferences")
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers
    assert answer.json()["fault"]["type"] == "SERVICE"
    assert answer.json()["fault"]["error"][0] == {
        "message": "message=ThrottleExceeded; errorCode=003001; statusCode=429",
        "detail": "The request limit was reached.  Try again later",
        "code": "3001",
    }
    assert client.app.violations == [f"realm {US}: the rate limit was exceeded"]
    clock.now += timedelta(seconds=1)
    assert client.get("preferences").ok


def test_a_minute_has_a_limit_of_its_own(client: Client, clock: Clock) -> None:
    client.app.configure(limits={"enforced": True, "per_minute": 3})
    assert [client.get("preferences").status_code for _ in range(4)] == [200, 200, 200, 429]
    clock.now += timedelta(seconds=60)
    assert client.get("preferences").ok


def test_no_minute_has_more_than_its_limit_however_it_is_laid(client: Client, clock: Clock) -> None:
    client.app.configure(limits={"enforced": True, "per_minute": 3})
    answers = []
    for _ in range(6):
        answers.append(client.get("preferences").status_code)
        clock.now += timedelta(seconds=15)
    assert answers == [200, 200, 200, 429, 200, 200]


@pytest.mark.parametrize("name", ["app_batches_per_minute", "realm_batches_per_minute"])
def test_batches_have_limits_of_their_own(client: Client, name: str) -> None:
    client.app.configure(limits={"enforced": True, name: 1})
    assert client.post("batch", {"BatchItemRequest": []}).ok
    assert client.post("batch", {"BatchItemRequest": []}).status_code == 429
    assert client.get("preferences").ok


def test_a_throttle_may_answer_in_xml_and_say_how_long_to_wait(client: Client) -> None:
    client.app.configure(limits={"enforced": True, "per_second": 0})
    client.app.modes = Modes(throttle_body="xml", retry_after_seconds=60)
    answer = client.get("preferences")
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert answer.headers["Retry-After"] == "60"
    assert '<Fault type="SERVICE"><Error code="3001">' in answer.text


def test_reads_are_metered_by_the_month_and_then_blocked_with_refreshes(
    client: Client, clock: Clock
) -> None:
    client.app.configure(limits={"core_plus_per_month": 2})
    client.vendor()
    client.get("preferences")
    client.rows("select * from Vendor")
    assert client.app.core_plus_calls == 2
    assert client.get("preferences").status_code == 429
    assert client.refresh().status_code == 429
    assert client.post("vendor", {"DisplayName": "Writes are free"}).ok
    clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert client.refresh().ok


def test_every_answer_carries_intuits_headers(client: Client) -> None:
    first, second = client.get("preferences"), client.get("nothing")
    assert first.headers["intuit_tid"] != second.headers["intuit_tid"]
    assert len(second.headers["intuit_tid"]) == len("1-") + 8 + len("-") + 24
    assert {"Date", "QBO-Version"} <= set(second.headers)
    assert first.json()["time"] == "2026-11-20T10:00:00.000-08:00"


def test_who_does_not_ask_for_json_gets_xml(client: Client) -> None:
    client.vendor("Smith & Sons")
    answer = client.get(
        "query", params={"query": "select * from Vendor"}, headers={"Accept": "*/*"}
    )
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert "<DisplayName>Smith &amp; Sons</DisplayName>" in answer.text
    assert "<CurrencyRef>USD</CurrencyRef>" in answer.text


# Queries.


@pytest.fixture
def books(client: Client) -> Client:
    """Three bills of two vendors, and a vendor that is no longer used."""
    acme, other = client.vendor("O'Neil"), client.vendor("Back\\slash")
    post_bill(client, a_bill(client, acme, "10", DocNumber="A-1", TxnDate="2026-11-01"))
    post_bill(client, a_bill(client, acme, "9", DocNumber="a-2", TxnDate="2026-11-02"))
    post_bill(client, a_bill(client, other, "100", DocNumber="A-1", TxnDate="2026-11-03"))
    gone = client.app.realms[US].vendors[client.vendor("Gone")]
    gone["Active"] = False
    return client


@pytest.mark.parametrize(
    ("where", "amounts"),
    [
        ("DocNumber = 'a-1'", [10, 100]),
        ("docnumber like 'A-%' and VendorRef = '{acme}'", [10, 9]),
        ("DocNumber LIKE '%2'", [9]),
        ("DocNumber IN ('A-2', 'x')", [9]),
        ("TotalAmt > '9.5'", [10, 100]),
        ("TotalAmt >= 9 AND TotalAmt < '100.00'", [10, 9]),
        ("TxnDate <= '2026-11-01'", [10]),
        ("MetaData.LastUpdatedTime > '2026-11-20T18:00:01Z'", []),
        ("MetaData.CreateTime = '2026-11-20T10:00:00-08:00'", [10, 9, 100]),
        ("TotalAmt > 0 ORDERBY TotalAmt DESC", [100, 10, 9]),
        ("TotalAmt > 0 ORDER BY DocNumber, TxnDate DESC", [100, 10, 9]),
        ("TotalAmt > 0 STARTPOSITION 2 MAXRESULTS 1", [9]),
        ("SalesTermRef = ' '", [10, 9, 100]),
    ],
)
def test_a_where_selects_as_quickbooks_does(books: Client, where: str, amounts: list[int]) -> None:
    acme = books.app.realms[US].id_of("Vendor", "O'Neil")
    found = books.rows(f"SELECT * FROM Bill WHERE {where.format(acme=acme)}")
    assert [bill["TotalAmt"] for bill in found] == amounts


@pytest.mark.parametrize(
    ("name", "escaped"), [("O'Neil", r"o\'neil"), ("Back\\slash", r"BACK\\slash")]
)
def test_a_backslash_escapes(books: Client, name: str, escaped: str) -> None:
    found = books.rows(f"select * from Vendor where DisplayName = '{escaped}'")
    assert [vendor["DisplayName"] for vendor in found] == [name]


def test_a_backslash_may_stand_for_itself_except_before_a_quote(books: Client) -> None:
    books.app.modes = Modes(backslash="literal")
    assert books.rows(r"select * from Vendor where DisplayName = 'Back\slash'")
    assert not books.rows(r"select * from Vendor where DisplayName = 'Back\\slash'")
    assert books.rows(r"select * from Vendor where DisplayName = 'O\'Neil'")


def test_name_lists_hide_the_inactive_unless_asked(books: Client) -> None:
    def names(where: str) -> list[str]:
        return [row["DisplayName"] for row in books.rows(f"select * from Vendor {where}")]

    assert "Gone" not in names("")
    assert names("where DisplayName = 'gone'") == []
    assert names("where DisplayName = 'gone' and Active IN (true, false)") == ["Gone"]
    assert names("where Active = false") == ["Gone"]


def test_columns_may_be_chosen(books: Client) -> None:
    row = books.rows("select DocNumber, MetaData.CreateTime from Bill maxresults 1")[0]
    assert row.keys() == {"Id", "DocNumber", "MetaData", "domain", "sparse"}


def test_a_count_counts(books: Client) -> None:
    answer = books.query("select count(*) from Bill where DocNumber = 'A-1'").json()
    assert answer["QueryResponse"] == {"totalCount": 2}


def test_nothing_found_is_an_empty_answer_without_the_entity(client: Client) -> None:
    answer = client.query("select * from Bill").json()
    assert answer == {"QueryResponse": {}, "time": "2026-11-20T10:00:00.000-08:00"}


def test_a_page_has_a_hundred_rows_unless_asked_and_never_more_than_a_thousand(
    client: Client,
) -> None:
    realm = client.app.realms[US]
    for number in range(1001):
        realm.add("Customer", {"DisplayName": f"C{number}", "Active": True}, datetime.now(UTC))
    assert len(client.rows("select * from Customer")) == 100
    assert len(client.rows("select * from Customer maxresults 5000")) == 1000
    answer = client.query("select * from Customer startposition 1001 maxresults 1000").json()
    response = answer["QueryResponse"]
    assert (response["startPosition"], response["maxResults"]) == (1001, 1)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select * from Vendor where AcctNum = '1'", "4001"),
        ("select * from Account where AcctNum = '612000'", "4001"),
        ("select * from Bill where PrivateNote = 'x'", "4001"),
        ("select * from Bill where VendorRef.name = 'x'", "4001"),
        ("select * from Bill where Id > '1'", "4001"),
        ("select * from Bill where TotalAmt > 'many'", "4001"),
        ("select * from Bill where MetaData.CreateTime > 'now'", "4001"),
        ("select * from Bill startposition 0", "4001"),
        ("select * from Nothing", "4001"),
        ("select * from Bill where DocNumber = 'O'Neil'", "4000"),
        ("select * from Bill where DocNumber = 'x' or DocNumber = 'y'", "4000"),
        ("select * from Bill where DocNumber = x", "4000"),
        ("select * from Bill where DocNumber , 'x'", "4000"),
        ("select * from Bill order DocNumber", "4000"),
        ("delete from Bill", "4000"),
        ("select * from Bill; --", "4000"),
        ("select * from", "4000"),
    ],
)
def test_what_may_not_be_asked_is_refused(books: Client, statement: str, expected: str) -> None:
    answer = books.query(statement)
    assert code(answer) == expected
    told = [v for v in books.app.violations if "does not parse" in v]
    assert bool(told) == (expected == "4000")


def test_a_field_that_is_not_filterable_is_named(client: Client) -> None:
    error = client.query("select * from Vendor where Balance > '0'").json()["Fault"]["Error"][0]
    assert error["Detail"] == "QueryValidationError: property 'Balance' is not queryable"


def test_a_vendor_credits_vendor_may_be_filterable(client: Client) -> None:
    vendor = client.vendor()
    client.post("vendorcredit", a_bill(client, vendor))
    statement = f"select * from VendorCredit where VendorRef = '{vendor}'"
    assert code(client.query(statement)) == "4001"
    client.app.modes = Modes(vendor_ref_on_vendor_credit="allowed")
    assert len(client.rows(statement)) == 1


def test_a_query_may_be_posted_as_text(client: Client) -> None:
    client.vendor("Émile")
    statement = "select * from Vendor where DisplayName = 'Émile'".encode()
    kind = {"Content-Type": "application/text"}
    answer = client.call("POST", "query", data=statement, headers=kind)
    assert answer.json()["QueryResponse"]["Vendor"][0]["DisplayName"] == "Émile"
    kind = {"Content-Type": "application/json"}
    assert code(client.call("POST", "query", data=statement, headers=kind)) == "1050"


def test_settings_can_be_queried(client: Client) -> None:
    assert client.rows("select * from CompanyInfo")[0]["CompanyName"] == "Acme Inc"
    assert client.rows("select * from Preferences")[0]["CurrencyPrefs"]["MultiCurrencyEnabled"]


# What a new company has.


def test_a_new_company_has_accounts_that_carry_odoos_codes(client: Client) -> None:
    rows = client.rows("select * from Account where AccountType = 'Expense' maxresults 1000")
    numbers = {row["AcctNum"] for row in rows if "AcctNum" in row}
    codes = {"443000", "611000", "612000", "630000", "641000", "642000", "961000", "962000"}
    assert numbers == codes
    freight = client.rows("select * from Account where Name = 'Freight In'")[0]
    assert freight["FullyQualifiedName"] == "Cost of Goods Sold:Freight In"
    payables = client.rows("select * from Account where AccountSubType = 'AccountsPayable'")
    assert [p["Name"] for p in payables] == [
        "Accounts Payable (A/P)",
        "Accounts Payable (A/P) - EUR",
    ]


def test_terms_and_tax_codes_depend_on_the_country(client: Client) -> None:
    assert [r["DueDays"] for r in client.rows("select * from Term")] == [0, 15, 30, 60]
    assert [r["Name"] for r in client.rows("select * from TaxCode")] == ["TAX", "NON"]
    client.realm_id, client.token = GB, ""
    names = [r["Name"] for r in client.rows("select * from TaxCode")]
    assert names == ["20.0% S", "0% Z", "Exempt", "5.0% R", "No VAT", "20.0% RC", "0.0% RCS"]
    assert client.get("preferences").json()["Preferences"]["CurrencyPrefs"] == {
        "MultiCurrencyEnabled": True,
        "HomeCurrency": {"value": "GBP"},
    }


# Bills and vendor credits.


def test_a_bill_comes_back_with_what_quickbooks_adds(client: Client) -> None:
    vendor = client.vendor()
    answer = client.post(
        "bill", a_bill(client, vendor, "100.10", "0.2", SalesTermRef=net30(client))
    )
    assert '"TotalAmt":100.30,' in answer.text
    bill = answer.json(parse_float=Decimal)["Bill"]
    assert (bill["SyncToken"], bill["domain"]) == ("0", "QBO")
    assert bill["Balance"] == Decimal("100.30")
    assert bill["VendorRef"]["name"] == "ACME"
    assert bill["DueDate"] == "2026-12-02"
    assert bill["APAccountRef"]["name"] == "Accounts Payable (A/P)"
    assert [line["Id"] for line in bill["Line"]] == ["1", "2"]
    assert bill["Line"][0]["AccountBasedExpenseLineDetail"]["AccountRef"]["name"] == "Rent"
    assert client.get(f"bill/{bill['Id']}").json()["Bill"] == answer.json()["Bill"]
    assert client.app.calls["bill"] == 1
    assert client.app.violations == []


def net30(client: Client) -> dict[str, str]:
    return {"value": client.app.realms[client.realm_id].id_of("Term", "Net 30")}


def test_a_bill_without_a_date_is_of_today_in_california(client: Client, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 21, 7, 59, tzinfo=UTC)
    assert post_bill(client, TxnDate=None)["TxnDate"] == "2026-11-20"


def test_a_vendor_credit_has_no_due_date(client: Client) -> None:
    credit = client.post("vendorcredit", a_bill(client)).json()["VendorCredit"]
    assert "DueDate" not in credit
    assert client.get(f"vendorcredit/{credit['Id']}").ok
    assert code(client.post("vendorcredit", a_bill(client, DueDate="2026-12-01"))) == "2010"


def test_vendor_credits_may_be_numbered_by_quickbooks(client: Client) -> None:
    client.app.realms[US].custom_txn_numbers = False
    credit = client.post("vendorcredit", a_bill(client, DocNumber="MINE")).json()["VendorCredit"]
    assert credit["DocNumber"] == "1001"
    other = client.get("preferences").json()["Preferences"]["OtherPrefs"]["NameValue"][0]
    assert other == {"Name": "VendorAndPurchasesPrefs.UseCustomTxnNumbers", "Value": "false"}


def broken_line(client: Client, **changes: Any) -> list[dict[str, Any]]:
    line = {**a_line(client), **changes}
    return [{name: value for name, value in line.items() if value is not None}]


@pytest.mark.parametrize(
    ("change", "expected", "element"),
    [
        ({"DocNo": "1"}, "2010", "DocNo"),
        ({"TotalAmt": 5}, "2010", "TotalAmt"),
        ({"Extra": 1, "VendorRef": None}, "2010", "Extra"),
        ({"VendorRef": None}, "2020", "VendorRef"),
        ({"Line": None}, "2020", "Line"),
        ({"Line": []}, "2020", "Line"),
        ({"VendorRef": {"value": 7}}, "2030", "value"),
        ({"VendorRef": {"value": ""}}, "2030", "value"),
        ({"DocNumber": "x" * 22}, "2050", "DocNumber"),
        ({"TxnDate": "02/11/2026"}, "2050", "TxnDate"),
        ({"TxnDate": "2026-02-30"}, "2050", "TxnDate"),
        ({"DueDate": "2026-02-30"}, "2050", "DueDate"),
        ({"ExchangeRate": "1.1"}, "2040", "ExchangeRate"),
        ({"ExchangeRate": 0}, "2040", "ExchangeRate"),
        ({"GlobalTaxCalculation": "Sometimes"}, "2170", "GlobalTaxCalculation"),
    ],
)
def test_a_wrong_shape_is_refused_by_its_kind(
    client: Client, change: dict[str, Any], expected: str, element: str
) -> None:
    answer = client.post("bill", a_bill(client, **change))
    assert code(answer) == expected
    assert answer.json()["Fault"]["Error"][0]["element"] == element
    assert answer.json()["Fault"]["type"] == "ValidationFault"
    assert len(client.app.violations) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Amount": None}, "2020"),
        ({"Amount": "10.10"}, "2040"),
        ({"DetailType": "SalesItemLineDetail"}, "2170"),
        ({"Quantity": 1}, "2010"),
        ({"Description": "x" * 4001}, "2050"),
        ({"AccountBasedExpenseLineDetail": {}}, "2020"),
        ({"AccountBasedExpenseLineDetail": None}, "2020"),
    ],
)
def test_a_wrong_line_is_refused_by_its_kind(
    client: Client, change: dict[str, Any], expected: str
) -> None:
    answer = client.post("bill", a_bill(client, Line=broken_line(client, **change)))
    assert code(answer) == expected


def test_an_unknown_property_is_named(client: Client) -> None:
    error = client.post("bill", a_bill(client, Foo=1)).json()["Fault"]["Error"][0]
    assert error["Message"] == "Request has invalid or unsupported property"
    assert error["Detail"].startswith('Property Name:Unrecognized field "Foo"')


def test_only_json_may_be_posted(client: Client) -> None:
    def post(data: bytes, kind: str) -> requests.Response:
        return client.call("POST", "bill", data=data, headers={"Content-Type": kind})

    assert code(post(b"{}", "text/plain")) == "1050"
    assert code(post(b"{", "application/json")) == "2010"
    assert code(post(b"[]", "application/json")) == "2010"
    assert code(post(b'{"PrivateNote":"\xe9"}', "application/json")) == "500"


@pytest.mark.parametrize(
    "change",
    [
        {"VendorRef": {"value": "999"}},
        {"APAccountRef": {"value": "999"}},
        {"SalesTermRef": {"value": "999"}},
        {"DepartmentRef": {"value": "999"}},
    ],
)
def test_an_unknown_reference_is_invalid(client: Client, change: dict[str, Any]) -> None:
    assert code(client.post("bill", a_bill(client, **change))) == "2500"


@pytest.mark.parametrize("field", ["AccountRef", "ClassRef", "CustomerRef"])
def test_an_unknown_reference_in_a_line_is_invalid(client: Client, field: str) -> None:
    detail: dict[str, Any] = {field: {"value": "999"}}
    line = a_line(client, **detail)
    assert code(client.post("bill", a_bill(client, Line=[line]))) == "2500"


@pytest.mark.parametrize("expected", ["610", "2500"])
def test_an_inactive_vendor_cannot_be_used(client: Client, expected: Any) -> None:
    client.app.modes = Modes(inactive_reference=expected)
    vendor = client.vendor()
    client.app.realms[US].vendors[vendor]["Active"] = False
    answer = client.post("bill", a_bill(client, vendor))
    assert code(answer) == expected
    assert "made inactive" in answer.json()["Fault"]["Error"][0]["Detail"]


def test_a_bills_currency_is_the_vendors(client: Client) -> None:
    euro = client.vendor("ACME (EUR)", CurrencyRef={"value": "EUR"})
    assert code(client.post("bill", a_bill(client, euro))) == "6000"
    assert code(client.post("bill", a_bill(client, euro, CurrencyRef=None))) == "6000"
    bill = post_bill(client, a_bill(client, euro, CurrencyRef={"value": "EUR"}))
    assert bill["APAccountRef"]["name"] == "Accounts Payable (A/P) - EUR"
    assert bill["ExchangeRate"] == 1


def test_a_foreign_bill_may_have_to_name_its_payable_account(client: Client) -> None:
    client.app.modes = Modes(foreign_payable="required")
    euro = client.vendor("ACME (EUR)", CurrencyRef={"value": "EUR"})
    bill = a_bill(client, euro, CurrencyRef={"value": "EUR"})
    assert code(client.post("bill", bill)) == "6000"
    bill["APAccountRef"] = {"value": account(client, "Accounts Payable (A/P) - EUR")}
    assert client.post("bill", bill).ok


@pytest.mark.parametrize("name", ["Accounts Payable (A/P) - EUR", "Rent"])
def test_a_payable_account_must_be_one_of_the_bills_currency(client: Client, name: str) -> None:
    payable = {"value": account(client, name)}
    assert code(client.post("bill", a_bill(client, APAccountRef=payable))) == "6000"


def test_one_foreign_currency_is_the_most(client: Client) -> None:
    euro = client.app.realms[US].add_account("Paris", NOW, "Bank", currency="EUR")["Id"]
    line = a_line(client, AccountRef={"value": euro})
    assert code(client.post("bill", a_bill(client, Line=[line]))) == "6000"


def test_without_multicurrency_only_the_home_currency_is_known(client: Client) -> None:
    client.app.realms[US].multicurrency = False
    assert code(client.post("bill", a_bill(client, CurrencyRef={"value": "EUR"}))) == "6000"
    bill = post_bill(client, CurrencyRef=None)
    assert bill["CurrencyRef"] == {"value": "USD", "name": "United States Dollar"}
    assert "ExchangeRate" not in bill
    assert "HomeBalance" not in bill
    foreign = {"DisplayName": "E", "CurrencyRef": {"value": "EUR"}}
    assert code(client.post("vendor", foreign)) == "6000"


def test_a_us_company_knows_only_tax_and_non(client: Client) -> None:
    assert code(client.post("bill", a_bill(client, GlobalTaxCalculation="TaxExcluded"))) == "6100"
    for value, ok in (("TAX", True), ("NON", True), ("5", False)):
        line = a_line(client, TaxCodeRef={"value": value})
        answer = client.post("bill", a_bill(client, Line=[line]))
        assert answer.ok == ok
    assert code(answer) == "6100"


def test_elsewhere_every_line_needs_a_tax_code(british: Client) -> None:
    answer = british.post("bill", a_british_bill(british))
    assert code(answer) == "6000"
    assert "VAT rate" in answer.json()["Fault"]["Error"][0]["Detail"]
    bill = a_british_bill(british, "20.0% S", GlobalTaxCalculation=None)
    assert code(british.post("bill", bill)) == "2020"
    bill = a_british_bill(british, "20.0% S")
    bill["Line"][0]["AccountBasedExpenseLineDetail"]["TaxCodeRef"]["value"] = "999"
    assert code(british.post("bill", bill)) == "2500"


@pytest.mark.parametrize("case", known("global_tax_line_rounding")["cases"])
def test_tax_is_rounded_line_by_line(british: Client, case: dict[str, Any]) -> None:
    realm = british.app.realms[GB]
    add_tax_code(realm, "T", [add_tax_rate(realm, "T", Decimal(case["percent"]), NOW)], NOW)
    bill = post_bill(british, a_taxed_bill(british, *((net, "T") for net in case["nets"])))
    assert bill["TotalAmt"] == Decimal(case["quickbooks_total"])
    assert bill["TxnTaxDetail"] == {
        "TotalTax": Decimal(case["quickbooks_tax"]),
        "TaxLine": [
            {
                "Amount": Decimal(case["quickbooks_tax"]),
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {
                    "TaxRateRef": {"value": realm.id_of("TaxRate", "T")},
                    "PercentBased": True,
                    "TaxPercent": Decimal(case["percent"]),
                    "NetAmountTaxable": sum(map(Decimal, case["nets"])),
                },
            }
        ],
    }


def test_half_a_cent_of_tax_goes_away_from_zero_on_either_side(british: Client) -> None:
    bill = a_taxed_bill(british, ("10.00", "No VAT"), ("0.10", "5.0% R"), ("-0.30", "5.0% R"))
    assert taxes_of(post_bill(british, bill)) == [Decimal(0), Decimal("-0.01")]  # 0.01 - 0.02


@pytest.mark.parametrize(
    ("calculation", "total", "taxes"),
    [
        ("TaxExcluded", "113.33", ["13.34", "0.00"]),
        ("TaxInclusive", "99.99", ["11.10", "0.00"]),
        ("NotApplicable", "99.99", []),
    ],
)
def test_tax_is_added_contained_or_none(
    british: Client, calculation: str, total: str, taxes: list[str]
) -> None:
    codes = ("20.0% S", "20.0% S", "0% Z")
    bill = post_bill(british, a_british_bill(british, *codes, GlobalTaxCalculation=calculation))
    assert bill["TotalAmt"] == Decimal(total)
    assert ("TxnTaxDetail" in bill) == bool(taxes)
    if taxes:
        assert taxes_of(bill) == [Decimal(tax) for tax in taxes]


@pytest.mark.parametrize("case", known("tax_override_shape")["cases"])
@pytest.mark.parametrize("mode", ["honoured", "ignored"])
def test_a_tax_line_not_based_on_a_percent_is_the_tax_of_its_rate(
    british: Client, case: dict[str, Any], mode: Any
) -> None:
    british.app.modes = Modes(tax_override=mode)
    realm = british.app.realms[GB]
    rates = {
        rate["id"]: add_tax_rate(realm, f"Rate {rate['id']}", Decimal(rate["percent"]), NOW)
        for rate in case["code"]["purchase_rates"]
    }
    add_tax_code(realm, "T", list(rates.values()), NOW)
    for line in case["TxnTaxDetail"]["TaxLine"]:
        ref = line["TaxLineDetail"]["TaxRateRef"]
        ref["value"] = rates.get(ref["value"], {"Id": ref["value"]})["Id"]
    bill = a_taxed_bill(british, (case["net"], "T"), TxnTaxDetail=case["TxnTaxDetail"])
    computed = [
        (Decimal(case["net"]) * Decimal(rate["percent"]) / 100).quantize(Decimal("0.01"))
        for rate in case["code"]["purchase_rates"]
    ]
    odoos = [Decimal(tax) for tax in case["odoo_tax"].values()]
    posted = post_bill(british, bill)
    assert taxes_of(posted) == (odoos if mode == "honoured" else computed)
    assert posted["TxnTaxDetail"]["TotalTax"] == sum(taxes_of(posted))
    assert posted["TotalAmt"] == Decimal(case["net"]) + sum(taxes_of(posted))


def test_an_override_is_answered_as_one_and_kept_when_the_bill_changes(british: Client) -> None:
    rate = british.app.realms[GB].id_of("TaxRate", "20.0% S (Purchases)")
    override = {"TaxLine": [a_tax_line(rate, "6.66", "33.33")]}
    bill = post_bill(british, a_british_bill(british, "20.0% S", TxnTaxDetail=override))
    detail = bill["TxnTaxDetail"]["TaxLine"][0]["TaxLineDetail"]
    assert (detail["PercentBased"], detail["OverrideDeltaAmount"]) == (False, Decimal("-0.01"))
    keys = {"Id": bill["Id"], "SyncToken": "0", "sparse": True}
    changed = british.post("bill", {**keys, "PrivateNote": "n"}).json(parse_float=Decimal)["Bill"]
    assert changed["TotalAmt"] == bill["TotalAmt"] == Decimal("39.99")


@pytest.mark.parametrize(
    "change",
    [
        {"TaxPercent": Decimal("20.0")},
        {"PercentBased": True},
        {"PercentBased": True, "TaxPercent": Decimal("20.0")},
        {"NetAmountTaxable": Decimal("33.34")},
    ],
)
def test_a_tax_line_that_is_no_override_is_computed_anew(
    british: Client, change: dict[str, Any]
) -> None:
    rate = british.app.realms[GB].id_of("TaxRate", "20.0% S (Purchases)")
    detail = {"TotalTax": Decimal("7.00"), "TaxLine": [a_tax_line(rate, "7.00", "33.33", **change)]}
    bill = post_bill(british, a_british_bill(british, "20.0% S", TxnTaxDetail=detail))
    assert bill["TxnTaxDetail"]["TotalTax"] == Decimal("6.67")
    assert bill["TotalAmt"] == Decimal("40.00")


def test_a_rate_without_an_override_is_computed(canadian: Client) -> None:
    qst = canadian.app.realms[CA].id_of("TaxRate", "QST (ITR)")
    detail = {"TaxLine": [a_tax_line(qst, "10.00", "100.00")]}
    bill = a_taxed_bill(canadian, ("100.00", "GST/QST QC"), TxnTaxDetail=detail)
    assert taxes_of(post_bill(canadian, bill)) == [Decimal("5.00"), Decimal("10.00")]


def test_a_total_tax_alone_is_ignored_or_refused(british: Client) -> None:
    bill = a_british_bill(british, "20.0% S", TxnTaxDetail={"TotalTax": Decimal("6.66")})
    assert post_bill(british, bill)["TotalAmt"] == Decimal("40.00")
    british.app.modes = Modes(total_tax_alone="refused")
    answer = british.post("bill", bill)
    assert code(answer) == "6000"
    assert "calculating tax" in answer.json()["Fault"]["Error"][0]["Detail"]


def test_tax_that_does_not_apply_has_no_detail(british: Client) -> None:
    case = known("not_applicable_with_tax_detail")
    british.app.realms[GB].multicurrency = False
    request = {**case["request"], "VendorRef": {"value": british.vendor()}}
    [line] = request["Line"]
    line["AccountBasedExpenseLineDetail"]["AccountRef"] = {"value": account(british)}
    assert code(british.post("bill", request)) == case["expected_code"]
    del request["TxnTaxDetail"]
    assert post_bill(british, request)["TotalAmt"] == Decimal("15.00")


@pytest.mark.parametrize("case", known("effective_tax_rate")["cases"])
def test_the_rate_of_the_bills_date_is_charged(british: Client, case: dict[str, str]) -> None:
    realm = british.app.realms[GB]
    dated = known("effective_tax_rate")["TaxRate"]
    rate = realm.add("TaxRate", {**dated, "Active": True}, NOW)
    add_tax_code(realm, "Standard", [rate], NOW)
    served = british.get(f"taxrate/{rate['Id']}").json(parse_float=Decimal)["TaxRate"]
    assert served["EffectiveTaxRate"] == dated["EffectiveTaxRate"]
    bill = a_taxed_bill(british, ("100.00", "Standard"), TxnDate=case["TxnDate"])
    assert taxes_of(post_bill(british, bill)) == [Decimal(case["percent"])]


@pytest.mark.parametrize("day", ["2008-12-31", None])
def test_a_rate_that_is_not_in_force_or_is_missing_cannot_be_computed(
    british: Client, day: str | None
) -> None:
    realm = british.app.realms[GB]
    rate = realm.add("TaxRate", known("effective_tax_rate")["TaxRate"], NOW)
    add_tax_code(realm, "Standard", [rate], NOW)
    if not day:
        del realm.tax_rates[rate["Id"]]
    answer = british.post("bill", a_taxed_bill(british, ("100.00", "Standard"), TxnDate=day))
    assert code(answer) == "6000"
    assert answer.json()["Fault"]["Error"][0]["Detail"] == CALCULATING_TAX


def test_an_inactive_rate_is_not_listed_and_still_charged(british: Client) -> None:
    realm = british.app.realms[GB]
    rate = realm.tax_rates[realm.id_of("TaxRate", "20.0% S (Purchases)")]
    rate["Active"] = False
    assert rate["Id"] not in {row["Id"] for row in british.rows("select * from TaxRate")}
    assert taxes_of(post_bill(british, a_british_bill(british, "20.0% S"))) == [Decimal("6.67")]


@pytest.mark.parametrize(
    ("second", "taxes"),
    [
        ({"TaxTypeApplicable": "TaxOnAmount"}, ["5.00", "10.00"]),
        ({"TaxTypeApplicable": "TaxOnAmountPlusTax", "TaxOnTaxOrder": 1}, ["5.00", "10.50"]),
        ({"TaxTypeApplicable": "TaxOnAmountPlusTax"}, ["5.00", "10.50"]),
        ({"TaxTypeApplicable": "TaxOnTax", "TaxOnTaxOrder": 1}, ["5.00", "0.50"]),
    ],
)
def test_a_tax_may_be_charged_on_another(
    canadian: Client, second: dict[str, Any], taxes: list[str]
) -> None:
    realm = canadian.app.realms[CA]
    rates = [add_tax_rate(realm, name, Decimal(name), NOW) for name in ("10", "5")]
    # Listed last first: the order of charging is TaxOrder's.
    details = [{"TaxOrder": 2, **second}, {"TaxOrder": 1}]
    add_tax_code(realm, "Both", rates, NOW, *details)
    bill = post_bill(canadian, a_taxed_bill(canadian, ("100.00", "Both")))
    assert taxes_of(bill) == [Decimal(tax) for tax in taxes]
    base = {"TaxOnAmount": "100", "TaxOnTax": "5"}.get(second["TaxTypeApplicable"], "105")
    on_other = bill["TxnTaxDetail"]["TaxLine"][1]["TaxLineDetail"]
    assert on_other["NetAmountTaxable"] == Decimal(base)


def test_a_reverse_charge_is_added_and_taken_away(british: Client) -> None:
    bill = post_bill(british, a_british_bill(british, "20.0% RC"))
    assert taxes_of(bill) == [Decimal("6.67"), Decimal("-6.67")]
    assert bill["TotalAmt"] == Decimal("33.33")


def test_a_code_without_purchase_rates_charges_nothing(british: Client) -> None:
    bill = post_bill(british, a_british_bill(british, "0.0% RCS"))
    assert bill["TotalAmt"] == Decimal("33.33")
    assert "TxnTaxDetail" not in bill


def test_a_canadian_company_has_canadian_codes_and_tax_accounts(canadian: Client) -> None:
    names = [r["Name"] for r in canadian.rows("select * from TaxCode")]
    assert names == ["GST", "HST ON", "GST/QST QC", "Exempt", "Zero-rated", "Out of Scope"]
    assert canadian.get("preferences").json()["Preferences"]["CurrencyPrefs"] == {
        "MultiCurrencyEnabled": True,
        "HomeCurrency": {"value": "CAD"},
    }
    assert canadian.get("companyinfo/1").json()["CompanyInfo"]["Country"] == "CA"
    payable = canadian.rows("select * from Account where AccountSubType = 'GlobalTaxPayable'")
    assert [row["Name"] for row in payable] == ["GST/HST Payable", "QST Payable"]
    bill = a_taxed_bill(canadian, ("100.00", "GST/QST QC"), ("50.00", "GST"), ("1.00", "Exempt"))
    posted = post_bill(canadian, bill)
    assert taxes_of(posted) == [Decimal("7.50"), Decimal("9.98"), Decimal("0.00")]
    assert posted["TotalAmt"] == Decimal("168.48")


def test_a_canadian_line_without_a_code_needs_gst(canadian: Client) -> None:
    bill = a_taxed_bill(canadian, Line=[a_line(canadian)])
    detail = canadian.post("bill", bill).json()["Fault"]["Error"][0]["Detail"]
    assert "have a GST/HST rate before you save" in detail


def test_a_tax_total_means_nothing_where_sales_tax_is_off(british: Client) -> None:
    british.app.realms[GB].using_sales_tax = False
    bill = a_british_bill(british, "20.0% S", TxnTaxDetail={"TotalTax": Decimal("6.66")})
    assert post_bill(british, bill)["TotalAmt"] == Decimal("40.00")


def test_an_inclusive_line_may_say_its_gross(british: Client) -> None:
    bill = a_british_bill(british, "20.0% S", GlobalTaxCalculation="TaxInclusive")
    bill["Line"][0]["AccountBasedExpenseLineDetail"]["TaxInclusiveAmt"] = Decimal("40.00")
    assert post_bill(british, bill)["TotalAmt"] == Decimal("40.00")


def test_a_tax_line_needs_a_purchase_rate_of_the_lines_once(british: Client) -> None:
    rates = [r["Id"] for r in british.app.realms[GB].tax_rates.values()]

    def taxed(*ids: str) -> requests.Response:
        lines = [
            {
                "Amount": 1,
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {"TaxRateRef": {"value": i}},
            }
            for i in ids
        ]
        bill = a_british_bill(british, "20.0% S", TxnTaxDetail={"TaxLine": lines}, DocNumber=None)
        return british.post("bill", bill)

    assert taxed(rates[0]).ok
    assert code(taxed(rates[0], rates[0])) == "6000"
    assert code(taxed(rates[1])) == "6000"


@pytest.mark.parametrize(
    ("kind", "classification", "ok"),
    [
        ("Expense", "Expense", True),
        ("Income", "Revenue", True),
        ("Equity", "Equity", True),
        ("Other Current Liability", "Liability", True),
        ("Accounts Receivable", "Asset", False),
        ("Accounts Payable", "Liability", False),
        ("Non-Posting", None, False),
    ],
)
def test_a_line_stands_on_some_kinds_of_account_only(
    client: Client, kind: str, classification: str | None, ok: bool
) -> None:
    opened = client.app.realms[US].add_account("Other", NOW, kind)
    served = client.get(f"account/{opened['Id']}").json()["Account"]
    check_shape("Account", served)
    assert (served["AccountType"], served.get("Classification")) == (kind, classification)
    line = a_line(client, AccountRef={"value": opened["Id"]})
    answer = client.post("bill", a_bill(client, Line=[line]))
    assert answer.ok if ok else code(answer) == "6430"


@pytest.mark.parametrize("expected", ["6430", "6000"])
@pytest.mark.parametrize("name", ["VAT Control", "VAT Suspense"])
def test_a_line_cannot_stand_on_an_account_that_quickbooks_keeps_tax_in(
    british: Client, name: str, expected: Any
) -> None:
    british.app.modes = Modes(tax_account_line=expected)
    bill = a_british_bill(british, "No VAT")
    detail = bill["Line"][0]["AccountBasedExpenseLineDetail"]
    detail["AccountRef"]["value"] = account(british, name)
    assert code(british.post("bill", bill)) == expected


@pytest.mark.parametrize(("price", "ok"), [("3.335", True), ("3.32", False)])
def test_an_amount_is_quantity_times_price(client: Client, price: str, ok: bool) -> None:
    item = {"Name": "Paper", "Active": True, "Type": "Service"}
    paper = client.app.realms[US].add("Item", item, datetime.now(UTC))["Id"]
    detail = {"ItemRef": {"value": paper}, "Qty": 3, "UnitPrice": Decimal(price)}
    kind = "ItemBasedExpenseLineDetail"
    line = {"Amount": Decimal("10.01"), "DetailType": kind, kind: detail}
    answer = client.post("bill", a_bill(client, Line=[line]))
    assert answer.ok if ok else code(answer) == "6070"


def test_a_category_cannot_be_bought(client: Client) -> None:
    item = {"Name": "Stationery", "Active": True, "Type": "Category"}
    category = client.app.realms[US].add("Item", item, datetime.now(UTC))["Id"]
    kind = "ItemBasedExpenseLineDetail"
    line = {"Amount": Decimal(1), "DetailType": kind, kind: {"ItemRef": {"value": category}}}
    assert code(client.post("bill", a_bill(client, Line=[line]))) == "2500"


def test_a_total_cannot_be_negative_but_a_line_can(client: Client) -> None:
    assert code(client.post("bill", a_bill(client, "", "10", "-10.01"))) == "6000"
    assert post_bill(client, a_bill(client, "", "10", "-9.99"))["TotalAmt"] == Decimal("0.01")
    assert post_bill(client, a_bill(client, "", "0.00"))["TotalAmt"] == 0


def test_negative_lines_and_empty_totals_may_be_refused(client: Client) -> None:
    client.app.modes = Modes(negative_line="refused", zero_total="refused")
    assert code(client.post("bill", a_bill(client, "", "10", "-1"))) == "2290"
    assert code(client.post("bill", a_bill(client, "", "0.00"))) == "6000"


def test_closed_books_stay_closed(client: Client) -> None:
    client.app.realms[US].book_close_date = date(2026, 11, 2)
    assert code(client.post("bill", a_bill(client))) == "6210"
    assert client.post("bill", a_bill(client, TxnDate="2026-11-03")).ok
    preferences = client.get("preferences").json()["Preferences"]
    assert preferences["AccountingInfoPrefs"]["BookCloseDate"] == "2026-11-02"
    client.app.modes = Modes(closed_period="6200")
    assert code(client.post("bill", a_bill(client))) == "6200"


def test_a_vendors_number_is_used_once(client: Client) -> None:
    vendor = client.vendor()
    post_bill(client, a_bill(client, vendor))
    answer = client.post("bill", a_bill(client, vendor, DocNumber="inv-1"))
    assert code(answer) == "6140"
    assert answer.json()["Fault"]["Error"][0]["Detail"] == (
        "Duplicate Document Number Error : You must specify a different number. "
        "This number has already been used."
    )
    assert client.post("bill", a_bill(client)).ok  # another vendor's
    assert client.post("vendorcredit", a_bill(client, vendor)).ok
    assert client.post("bill", a_bill(client, vendor, DocNumber=None)).ok


def test_numbers_may_be_compared_globally_and_exactly(client: Client) -> None:
    post_bill(client)
    client.app.modes = Modes(duplicates="global", duplicate_case="exact")
    assert code(client.post("bill", a_bill(client))) == "6140"
    assert client.post("bill", a_bill(client, DocNumber="inv-1")).ok


@pytest.mark.parametrize("warns", [True, False])
@pytest.mark.parametrize("custom", [True, False])
def test_duplicates_are_refused_where_both_preferences_say_so(
    client: Client, warns: bool, custom: bool
) -> None:
    vendor = client.vendor()
    settings = {"duplicate_warning": warns, "custom_txn_numbers": custom}
    client.app.configure(realms={US: settings})
    statuses = [client.post("bill", a_bill(client, vendor)).status_code for _ in "ab"]
    assert statuses == [200, 400 if warns and custom else 200]
    # Only one of the two can be read.
    told = json.dumps(client.get("preferences").json()["Preferences"])
    assert str(custom).lower() in told.split("UseCustomTxnNumbers")[1]
    assert "uplicate" not in told


def test_asking_for_a_duplicate_gets_it_and_is_a_violation(client: Client) -> None:
    vendor = client.vendor()
    post_bill(client, a_bill(client, vendor))
    assert client.post("bill", a_bill(client, vendor), include="allowduplicatedocnum").ok
    assert client.app.violations == [f"realm {US}: bill asked for duplicate document numbers"]


def test_an_ended_subscription_refuses_writes_and_allows_reads(client: Client) -> None:
    bill = a_bill(client)
    client.app.realms[US].subscription_ended = True
    assert code(client.post("bill", bill)) == "6190"
    assert client.get("preferences").ok


def test_a_change_needs_the_newest_sync_token(client: Client, clock: Clock) -> None:
    bill = post_bill(client)
    clock.now += timedelta(seconds=5)
    keys = {"Id": bill["Id"], "SyncToken": "0", "sparse": True}
    changed = client.post("bill", {**keys, "PrivateNote": "n"}).json(parse_float=Decimal)["Bill"]
    assert (changed["SyncToken"], changed["PrivateNote"]) == ("1", "n")
    assert changed["TotalAmt"] == bill["TotalAmt"]
    assert changed["MetaData"]["CreateTime"] < changed["MetaData"]["LastUpdatedTime"]
    assert code(client.post("bill", {**keys, "PrivateNote": "m"})) == "5010"
    assert code(client.post("bill", {**keys, "Id": "999"})) == "610"
    full = {**changed, "PrivateNote": "whole"}
    assert client.post("bill", full).json()["Bill"]["SyncToken"] == "2"
    assert code(client.post("bill", {"Id": bill["Id"], "SyncToken": "2"})) == "2020"


def test_a_bill_can_be_deleted_and_change_data_capture_tells(client: Client) -> None:
    kept, bill = post_bill(client), post_bill(client)
    keys = {"Id": bill["Id"], "SyncToken": "0"}
    deleted = client.post("bill", keys, operation="delete").json()["Bill"]
    assert deleted == {"domain": "QBO", "status": "Deleted", "Id": bill["Id"]}
    assert code(client.get(f"bill/{bill['Id']}")) == "610"
    answer = client.get("cdc?entities=Bill,Vendor&changedSince=2026-11-20T17:00:00Z").json()
    bills = answer["CDCResponse"][0]["QueryResponse"][0]["Bill"]
    assert [(b["Id"], b.get("status")) for b in bills] == [
        (kept["Id"], None),
        (bill["Id"], "Deleted"),
    ]


def test_change_data_capture_looks_back_thirty_days(client: Client) -> None:
    assert code(client.get("cdc?entities=Bill&changedSince=2026-10-01T00:00:00Z")) == "4001"
    assert code(client.get("cdc?entities=TaxCode&changedSince=2026-11-20T00:00:00Z")) == "500"
    assert code(client.get("cdc?entities=Bill")) == "2020"
    later = client.get("cdc?entities=Vendor&changedSince=2026-11-21T00:00:00Z").json()
    assert later["CDCResponse"] == [{"QueryResponse": [{}]}]


def test_a_bill_is_answered_as_quickbooks_answers_one(client: Client, clock: Clock) -> None:
    real = known("bill_answer_us")
    clock.now = datetime.fromisoformat(real["time"])
    realm = client.app.realms[US]
    realm.multicurrency = False
    supplies = realm.add_account("Supplies", NOW)["Id"]
    names = ("DocNumber", "TxnDate", "DueDate")
    [line] = real["Bill"]["Line"]
    vendor = client.vendor(real["Bill"]["VendorRef"]["name"])
    answer = client.post(
        "bill",
        {
            **{name: real["Bill"][name] for name in names},
            "VendorRef": {"value": vendor},
            "Line": [a_line(client, str(line["Amount"]), AccountRef={"value": supplies})],
        },
    ).json(parse_float=Decimal)
    ids = {
        "7": supplies,
        "33": account(client, "Accounts Payable (A/P)"),
        "41": vendor,
        "145": answer["Bill"]["Id"],
    }
    for holder, key in (
        (real["Bill"], "Id"),
        (real["Bill"]["VendorRef"], "value"),
        (real["Bill"]["APAccountRef"], "value"),
        (line["AccountBasedExpenseLineDetail"]["AccountRef"], "value"),
    ):
        holder[key] = ids[holder[key]]
    assert answer == real
    assert client.get(f"bill/{ids['145']}").json(parse_float=Decimal) == real
    assert client.rows("select * from Bill") == [client.get(f"bill/{ids['145']}").json()["Bill"]]


def test_a_foreign_bill_says_what_it_is_worth_at_home(client: Client) -> None:
    euro = client.vendor("ACME (EUR)", CurrencyRef={"value": "EUR"})
    foreign = {"CurrencyRef": {"value": "EUR"}, "ExchangeRate": Decimal("1.125")}
    bill = post_bill(client, a_bill(client, euro, "100.10", **foreign))
    assert (bill["Balance"], bill["HomeBalance"]) == (Decimal("100.10"), Decimal("112.61"))
    assert bill["CurrencyRef"] == {"value": "EUR", "name": "Euro"}


@pytest.mark.parametrize("realm", [US, GB])
def test_documents_have_the_shape_of_quickbooks(client: Client, realm: str) -> None:
    client.realm_id = realm
    bill = a_bill(client) if realm == US else a_british_bill(client, "20.0% S")
    check_shape("Bill", post_bill(client, bill))
    del bill["DocNumber"]
    credit = client.post("vendorcredit", bill).json(parse_float=Decimal)["VendorCredit"]
    check_shape("VendorCredit", credit)
    assert all(not line["LinkedTxn"] for line in credit["Line"])


def test_a_fault_always_has_an_element(client: Client) -> None:
    error = client.post("bill", a_bill(client, "999")).json()["Fault"]["Error"][0]
    assert error["element"] == "VendorRef"
    client.app.realms[US].book_close_date = date(2026, 11, 2)
    assert client.post("bill", a_bill(client)).json()["Fault"]["Error"][0]["element"] == ""


# Vendors.


def test_a_vendors_cheques_are_made_out_to_what_is_said_else_to_its_name(client: Client) -> None:
    foreign = known("vendor_create_foreign")["expected"]
    vendor = client.post("vendor", foreign).json()["Vendor"]
    assert {name: vendor[name] for name in foreign} == foreign
    unsaid = {name: foreign[name] for name in ("CompanyName", "CurrencyRef")}
    vendor = client.post("vendor", {**unsaid, "DisplayName": "Other (EUR)"}).json()["Vendor"]
    assert vendor["PrintOnCheckName"] == "Other (EUR)"


def test_a_vendor_gets_its_names_and_currency(client: Client) -> None:
    answer = client.post(
        "vendor", {"GivenName": "Ada", "FamilyName": "Byron", "TaxIdentifier": "123456789"}
    )
    vendor = answer.json()["Vendor"]
    assert (vendor["DisplayName"], vendor["PrintOnCheckName"]) == ("Ada Byron", "Ada Byron")
    assert (vendor["Active"], vendor["CurrencyRef"]) == (True, {"value": "USD"})
    assert vendor["TaxIdentifier"] == "XXXXX6789"
    assert client.get(f"vendor/{vendor['Id']}").json()["Vendor"] == vendor


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        ({}, "6080"),
        ({"DisplayName": "a:b"}, "2050"),
        ({"DisplayName": "a\tb"}, "2050"),
        ({"DisplayName": "x" * 501}, "2050"),
        ({"DisplayName": "a", "CompanyName": "x" * 101}, "2050"),
        ({"DisplayName": "a", "Balance": 1}, "2010"),
        ({"DisplayName": "a", "TermRef": {"value": "999"}}, "2500"),
        ({"DisplayName": "a", "PrimaryEmailAddr": {"Address": "A <a@b.example>"}}, "2210"),
    ],
)
def test_a_wrong_vendor_is_refused(client: Client, vendor: dict[str, Any], expected: str) -> None:
    assert code(client.post("vendor", vendor)) == expected


@pytest.mark.parametrize("entity", ["Vendor", "Customer", "Employee"])
def test_a_name_is_unique_over_people_even_inactive_ones(client: Client, entity: str) -> None:
    person = {"DisplayName": "Acme", "Active": False}
    client.app.realms[US].add(entity, person, datetime.now(UTC))
    answer = client.post("vendor", {"DisplayName": "ACME"})
    assert code(answer) == "6240"
    assert answer.json()["Fault"]["Error"][0]["Message"] == "Duplicate Name Exists Error"


def test_a_vendors_currency_never_changes(client: Client) -> None:
    keys = {"Id": client.vendor(), "SyncToken": "0", "sparse": True}
    assert code(client.post("vendor", {**keys, "CurrencyRef": {"value": "EUR"}})) == "6000"
    changed = client.post("vendor", {**keys, "AcctNum": "odoo-7"}).json()["Vendor"]
    assert (changed["DisplayName"], changed["AcctNum"]) == ("ACME", "odoo-7")


def test_a_vendor_is_made_inactive_not_deleted(client: Client) -> None:
    keys = {"Id": client.vendor(), "SyncToken": "0", "sparse": True}
    assert code(client.post("vendor", keys, operation="delete")) == "500"
    gone = client.post("vendor", {**keys, "Active": False}).json()["Vendor"]
    assert (gone["DisplayName"], gone["Active"]) == ("ACME", False)


@pytest.mark.parametrize("name", ["free", "taken"])
@pytest.mark.parametrize("suffix", [" (deleted)", " (Deleted)"])
def test_an_inactive_vendor_may_be_marked_as_deleted(
    client: Client, suffix: Any, name: Any
) -> None:
    client.app.modes = Modes(
        inactive_name="marked_deleted", deleted_suffix=suffix, deleted_name=name
    )
    case = known("inactive_vendor_suffix")
    keys = {"Id": client.vendor(case["odoo_vendor"]), "SyncToken": "0", "sparse": True}
    gone = client.post("vendor", {**keys, "Active": False}).json()["Vendor"]
    assert gone["DisplayName"] == f"{case['odoo_vendor']}{suffix}"
    assert gone["Active"] == case["stored_inactive"]["Active"]
    assert gone["DisplayName"].lower() == case["stored_inactive"]["DisplayName"].lower()
    if name == "taken":
        assert code(client.post("vendor", {"DisplayName": case["odoo_vendor"].upper()})) == "6240"
    else:
        assert client.vendor(case["odoo_vendor"]) != keys["Id"]


def test_a_vendor_made_active_again_gets_its_name_back(client: Client) -> None:
    client.app.modes = Modes(inactive_name="marked_deleted")
    keys = {"Id": client.vendor(), "sparse": True}
    client.post("vendor", {**keys, "SyncToken": "0", "Active": False})
    back = client.post("vendor", {**keys, "SyncToken": "1", "Active": True}).json()["Vendor"]
    assert (back["DisplayName"], back["Active"]) == ("ACME", True)


def test_a_foreign_vendor_opens_a_payable_account(client: Client) -> None:
    client.vendor("ACME (CAD)", CurrencyRef={"value": "CAD"})
    assert account(client, "Accounts Payable (A/P) - CAD")


# Other reads.


@pytest.mark.parametrize("setting", [{"states_country": False}, {"country": ""}])
def test_a_company_may_not_say_its_country(client: Client, setting: dict[str, Any]) -> None:
    client.app.configure(realms={US: setting})
    assert "Country" not in client.get("companyinfo/1").json()["CompanyInfo"]
    assert post_bill(client)["TotalAmt"] == Decimal("100.10")


def test_a_company_that_does_not_say_its_country_is_taxed_all_the_same(british: Client) -> None:
    british.app.realms[GB].states_country = False
    assert "Country" not in british.get("companyinfo/1").json()["CompanyInfo"]
    assert post_bill(british, a_british_bill(british, "20.0% S"))["TotalAmt"] == Decimal("40.00")


def test_a_company_is_found_under_both_its_ids(client: Client) -> None:
    found = [client.get(f"companyinfo/{key}").json()["CompanyInfo"] for key in (US, "1")]
    assert found[0] == found[1]
    assert (found[0]["CompanyName"], found[0]["Country"]) == ("Acme Inc", "US")
    assert client.app.calls["companyinfo"] == 2


def test_records_are_read_by_id(client: Client) -> None:
    rent = account(client)
    assert client.get(f"account/{rent}").json()["Account"]["AcctNum"] == "612000"
    assert code(client.get("account/999")) == "610"
    assert code(client.get("nothing/1")) == "500"
    assert code(client.post("account", {"Name": "New"})) == "500"
    assert client.app.calls["read"] == 4
    assert client.session.get(f"{client.url}/v4/elsewhere", timeout=5).status_code == 404


def test_an_exchange_rate_is_home_units_for_one_foreign_unit(client: Client) -> None:
    rate = client.get("exchangerate?sourcecurrencycode=EUR&asofdate=2026-11-01").json()
    assert rate["ExchangeRate"] == {
        "SourceCurrencyCode": "EUR",
        "TargetCurrencyCode": "USD",
        "Rate": 1.1,
        "AsOfDate": "2026-11-01",
    }
    assert code(client.get("exchangerate?sourcecurrencycode=XXX")) == "610"


# Request ids.


def test_a_request_id_replays_the_first_answer_to_the_byte(client: Client, clock: Clock) -> None:
    bill = a_bill(client)
    first = client.post("bill", bill, "same")
    clock.now += timedelta(days=30)
    client.refresh()
    assert client.post("bill", bill, "same").content == first.content
    assert len(client.app.realms[US].bills) == 1
    assert client.app.violations == []


def test_a_request_id_belongs_to_one_company(client: Client) -> None:
    client.post("vendor", {"DisplayName": "A"}, "same")
    client.realm_id, client.token = GB, ""
    client.post("vendor", {"DisplayName": "B"}, "same")
    assert [v["DisplayName"] for v in client.app.realms[GB].vendors.values()] == ["B"]


def test_a_fault_is_replayed_too(client: Client) -> None:
    vendor = client.vendor()
    post_bill(client, a_bill(client, vendor))
    again = a_bill(client, vendor)
    assert code(client.post("bill", again, "same")) == "6140"
    client.app.realms[US].duplicate_warning = False
    assert code(client.post("bill", again, "same")) == "6140"


def test_only_a_success_may_be_replayed(client: Client) -> None:
    client.app.modes = Modes(request_id="replay_success_only")
    client.app.realms[US].book_close_date = date(2026, 12, 31)
    bill = a_bill(client)
    assert code(client.post("bill", bill, "same")) == "6210"
    client.app.realms[US].book_close_date = None
    first = client.post("bill", bill, "same")
    assert client.post("bill", bill, "same").content == first.content


def test_a_request_id_with_another_payload_replays_and_is_a_violation(client: Client) -> None:
    first = client.post("bill", a_bill(client), "same")
    assert client.post("bill", a_bill(client, PrivateNote="x"), "same").content == first.content
    assert client.app.violations == [f"realm {US}: bill used the request id of a different request"]


def test_another_payload_may_be_error_600(client: Client) -> None:
    client.app.modes = Modes(request_id="error600_on_payload_change")
    bill = a_bill(client)
    first = client.post("bill", bill, "same")
    assert client.post("bill", bill, "same").content == first.content
    assert code(client.post("bill", {**bill, "PrivateNote": "x"}, "same")) == "600"


def test_a_request_id_may_be_forgotten(client: Client, clock: Clock) -> None:
    client.app.modes = Modes(request_id="forget_after_ttl", request_id_hours=1)
    bill = a_bill(client, DocNumber=None)
    client.post("bill", bill, "same")
    clock.now += timedelta(minutes=59)
    client.post("bill", bill, "same")
    assert len(client.app.realms[US].bills) == 1
    clock.now += timedelta(minutes=1)
    client.refresh()
    client.post("bill", bill, "same")
    assert len(client.app.realms[US].bills) == 2


@pytest.mark.parametrize(("mode", "second"), [("wait", 200), ("error600", 400)])
def test_a_second_request_waits_for_the_first_or_is_error_600(
    client: Client, mode: Any, second: int
) -> None:
    client.app.modes = Modes(request_id_in_flight=mode)
    bill = a_bill(client)
    client.app.inject("slow", path="/bill", seconds=0.4)
    arrived = threading.Event()

    def after_the_first() -> requests.Response:
        assert arrived.wait(5)
        return client.post("bill", bill, "same")

    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(after_the_first)
        slow = pool.submit(client.post, "bill", bill, "same")
        threading.Timer(0.1, arrived.set).start()
        assert (slow.result().status_code, waiting.result().status_code) == (200, second)
    assert len(client.app.realms[US].bills) == 1


def test_a_request_id_has_fifty_characters_at_most(client: Client) -> None:
    assert client.post("vendor", {"DisplayName": "A"}, "x" * 50).ok
    assert code(client.post("vendor", {"DisplayName": "B"}, "x" * 51)) == "2050"


@pytest.mark.parametrize("path", ["bill", "vendor", "vendorcredit", "upload"])
def test_a_write_without_a_request_id_is_a_violation(client: Client, path: str) -> None:
    client.call("POST", path, data=b"{}", headers={"Content-Type": "application/json"})
    assert client.app.violations[0] == f"realm {US}: {path} was sent without a request id"


# Uploads.


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


# Batches.


def vendor_items(*names: str) -> dict[str, Any]:
    items = [
        {"bId": f"b{n}", "operation": "create", "Vendor": {"DisplayName": name}}
        for n, name in enumerate(names)
    ]
    return {"BatchItemRequest": items}


def test_a_batch_answers_each_item_in_no_particular_order(client: Client) -> None:
    items = vendor_items("A", "B", "C", "C", "D:")["BatchItemRequest"]
    items.append({"bId": "q", "Query": "select * from Term"})
    items.append({"bId": "?", "operation": "create"})
    answer = client.post("batch", {"BatchItemRequest": items})
    assert answer.status_code == 200
    results = {item["bId"]: item for item in answer.json()["BatchItemResponse"]}
    assert list(results) != [item["bId"] for item in items]
    assert {results[b]["Vendor"]["DisplayName"] for b in ("b0", "b1")} == {"A", "B"}
    assert {"Fault", "Vendor"} == {*results["b2"], *results["b3"]} - {"bId"}
    assert results["b4"]["Fault"]["Error"][0]["code"] == "2050"
    assert results["?"]["Fault"]["Error"][0]["code"] == "500"
    assert len(results["q"]["QueryResponse"]["Term"]) == 4
    assert client.app.core_plus_calls == 1


def test_a_batch_item_can_delete(client: Client) -> None:
    keys = {"Id": post_bill(client)["Id"], "SyncToken": "0"}
    item = {"bId": "1", "operation": "delete", "Bill": keys}
    answer = client.post("batch", {"BatchItemRequest": [item]}).json()
    assert answer["BatchItemResponse"][0]["Bill"]["status"] == "Deleted"


def test_a_batch_item_is_replayed_if_both_ids_are_the_same(client: Client) -> None:
    first = client.post("batch", vendor_items("A"), "same").json()["BatchItemResponse"]
    assert client.post("batch", vendor_items("A"), "same").json()["BatchItemResponse"] == first
    other = client.post("batch", vendor_items("A"), "other").json()["BatchItemResponse"]
    assert other[0]["Fault"]["Error"][0]["code"] == "6240"


def test_a_batch_has_its_limits(client: Client) -> None:
    assert client.post("batch", vendor_items(*map(str, range(30)))).ok
    assert code(client.post("batch", vendor_items(*map(str, range(31))))) == "1040"
    assert code(client.post("batch", vendor_items("x"), "x" * 37)) == "2050"
    long = {"BatchItemRequest": [{"bId": "x" * 11, "Query": "select * from Term"}]}
    assert code(client.post("batch", long)) == "2050"
    assert code(client.post("batch", {"BatchItemRequest": "all"})) == "2010"
    twice = {"BatchItemRequest": [{"bId": "1", "Query": "select * from Term"}] * 2}
    assert code(client.post("batch", twice)) == "1000"


def test_a_batch_that_writes_needs_a_request_id(client: Client) -> None:
    headers = {"Content-Type": "application/json"}
    client.call("POST", "batch", data=json.dumps(vendor_items("A")), headers=headers)
    assert client.app.violations == [f"realm {US}: batch was sent without a request id"]


# Faults on demand.


@pytest.mark.parametrize("kind", ["reset", "timeout"])
@pytest.mark.parametrize("committed", [False, True])
def test_a_connection_breaks_before_or_after_the_work(
    client: Client, kind: Any, committed: bool
) -> None:
    bill = a_bill(client)
    client.app.inject(kind, path="/bill", committed=committed)
    with pytest.raises(requests.ConnectionError):
        client.post("bill", bill, "same")
    assert len(client.app.realms[US].bills) == committed
    assert client.post("bill", bill, "same").ok
    assert len(client.app.realms[US].bills) == 1
    assert client.app.calls["bill"] == 2


def test_silence_lasts_until_the_client_gives_up(client: Client) -> None:
    client.refresh()
    client.app.inject("timeout", path="/preferences", seconds=0.3)
    with pytest.raises(requests.ReadTimeout):
        client.get("preferences", timeout=0.1)


def test_a_token_may_be_lost_after_it_was_rotated(client: Client) -> None:
    client.app.modes = Modes(rotation="every_use")
    client.app.inject("reset", path="/tokens/bearer", committed=True)
    with pytest.raises(requests.ConnectionError):
        client.refresh()
    assert client.refresh().json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("error", "status"), [("invalid_grant", 400), ("server_error", 500), ("slow_down", 429)]
)
def test_the_token_endpoint_fails_on_demand(client: Client, error: str, status: int) -> None:
    client.app.inject("oauth_error", path="/tokens/bearer", code=error, status=status)
    answer = client.refresh()
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert client.refresh().ok


def test_another_workers_refresh_can_revoke_the_family(client: Client) -> None:
    client.app.inject("revoke_family", path="/tokens/bearer")
    assert client.refresh().json()["error"] == "invalid_grant"
    assert client.refresh().status_code == 400


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("committed", [False, True])
def test_a_proxy_answers_with_a_page(client: Client, status: int, committed: bool) -> None:
    bill = a_bill(client)
    client.app.inject("html", path="/bill", status=status, committed=committed)
    answer = client.post("bill", bill)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert len(client.app.realms[US].bills) == committed


@pytest.mark.parametrize("committed", [False, True])
def test_a_system_fault_does_not_say_whether_the_work_was_done(
    client: Client, committed: bool
) -> None:
    bill = a_bill(client)
    client.app.inject("system_fault", path="/bill", committed=committed)
    answer = client.post("bill", bill, "same")
    assert code(answer, 500) == "10000"
    assert answer.json()["Fault"]["type"] == "SystemFault"
    assert len(client.app.realms[US].bills) == committed
    assert client.post("bill", bill, "same").ok


@pytest.mark.parametrize("committed", [False, True])
def test_an_access_token_ends_early(client: Client, committed: bool) -> None:
    bill = a_bill(client)
    client.app.inject("unauthorized", path="/bill", committed=committed)
    assert client.post("bill", bill, "same").status_code == 401
    assert client.get("preferences").status_code == 401
    assert len(client.app.realms[US].bills) == committed
    client.refresh()
    assert client.post("bill", bill, "same").ok
    assert len(client.app.realms[US].bills) == 1


@pytest.mark.parametrize("status", [200, 400])
def test_a_fault_may_come_with_any_status(client: Client, status: int) -> None:
    client.app.inject("fault", path="/query", code="120", detail="No access", status=status)
    answer = client.query("select * from Bill")
    assert code(answer, status) == "120"
    assert answer.json()["Fault"]["type"] == "AuthorizationFault"


@pytest.mark.parametrize("case", known("faults")["cases"])
def test_each_known_fault_can_be_had_as_quickbooks_words_it(
    client: Client, case: dict[str, Any]
) -> None:
    [error] = case["answer"]["Fault"]["Error"]
    client.app.inject(
        "fault", path="/bill", code=error["code"], detail=error["Detail"], status=case["http"]
    )
    answer = client.post("bill", a_bill(client))
    assert answer.status_code == case["http"]
    assert answer.json()["Fault"] == case["answer"]["Fault"]


@pytest.mark.parametrize(("code_wanted", "expected"), [("", "6000"), ("6041", "6041")])
def test_a_file_may_be_refused_inside_a_success(
    client: Client, code_wanted: str, expected: str
) -> None:
    client.app.inject("refused_file", path="/upload", code=code_wanted)
    answer = client.upload(a_file()[1])
    assert answer.status_code == 200
    assert answer.json()["AttachableResponse"][0]["Fault"]["Error"][0]["code"] == expected


def test_an_answer_may_be_cut_short(client: Client) -> None:
    bill = a_bill(client)
    client.app.inject("truncated", path="/bill")
    answer = client.post("bill", bill)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert len(client.app.realms[US].bills) == 1


def test_a_throttle_can_be_ordered(client: Client) -> None:
    client.app.inject("throttle", path="/query", body="xml", retry_after=7)
    answer = client.query("select * from Bill")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.text.startswith("<?xml")
    client.app.inject("throttle", path="/query")
    assert client.query("select * from Bill").json()["fault"]["error"][0]["code"] == "3001"


def test_quickbooks_may_compute_a_cent_more(client: Client) -> None:
    bill = a_bill(client, "", "10.00")
    client.app.inject("wrong_total", path="/bill")
    assert post_bill(client, bill)["TotalAmt"] == Decimal("10.01")


def test_quickbooks_may_lose_a_byte(client: Client) -> None:
    client.app.inject("wrong_size", path="/upload")
    answer = client.upload(a_file()[1])
    assert answer.json()["AttachableResponse"][0]["Attachable"]["Size"] == len(PDF) - 1
    assert list(client.app.realms[US].files.values()) == [PDF[:-1]]


def test_a_rival_may_be_first(client: Client) -> None:
    bill = a_bill(client, PrivateNote="our marker")
    client.app.inject("rival", path="/bill")
    assert code(client.post("bill", bill)) == "6140"
    assert ["PrivateNote" in b for b in client.app.realms[US].bills.values()] == [False]
    client.app.inject("rival", path="/vendor")
    assert code(client.post("vendor", {"DisplayName": "New"})) == "6240"


def test_a_fault_strikes_the_requests_it_was_meant_for(client: Client) -> None:
    client.app.inject("html", method="GET", path="/preferences", nth=2, times=2)
    statuses = [client.get("preferences").status_code for _ in range(4)]
    assert statuses == [200, 502, 502, 200]
    assert client.post("vendor", {"DisplayName": "A"}).ok
    assert client.app.state()["faults"] == []


def test_an_unknown_fault_is_refused_at_once(client: Client) -> None:
    with pytest.raises(ValueError, match="not one of"):
        client.app.inject("earthquake")  # type: ignore[arg-type]  # the point of the test


# What other processes see and set.


def control(client: Client, path: str, body: Any = None) -> requests.Response:
    url = f"{client.url}/_sim/{path}"
    return client.session.request("GET" if body is None else "POST", url, json=body, timeout=5)


def test_the_state_can_be_read(client: Client) -> None:
    bill = post_bill(client)
    state = control(client, "state").json(parse_float=Decimal)
    assert state["realms"][US]["bills"][bill["Id"]]["TotalAmt"] == bill["TotalAmt"]
    assert state["calls"] == {"token": 1, "vendor": 1, "bill": 1}
    assert (state["violations"], state["modes"]["rotation"]) == ([], "sticky24h")


def test_a_reset_empties_the_books_and_revives_the_first_tokens(client: Client) -> None:
    client.app.modes = Modes(rotation="every_use")
    client.app.inject("html", path="/bill", times=9)
    client.refresh()
    client.vendor()
    assert control(client, "reset", {}).status_code == 204
    assert client.app.modes == Modes()
    assert client.app.calls == {}
    assert client.app.realms[US].vendors == {}
    assert client.refresh().ok
    assert client.post("bill", a_bill(client)).ok


def test_switches_and_faults_can_be_set_from_outside(client: Client) -> None:
    body = {
        "modes": {"rotation": "every_use"},
        "limits": {"per_second": 99},
        "realms": {US: {"book_close_date": "2026-10-31"}},
    }
    assert control(client, "config", body).status_code == 204
    assert client.app.modes.rotation == "every_use"
    assert client.app.limits.per_second == 99
    assert client.app.realms[US].book_close_date == date(2026, 10, 31)
    assert control(client, "faults", [{"kind": "html", "status": 504}]).status_code == 204
    assert client.get("preferences").status_code == 401  # the refresh met the fault
    assert control(client, "state").json()["realms"][US]["book_close_date"] == "2026-10-31"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("faults", {"kind": "earthquake"}, 400),
        ("config", {"modes": {"weather": "bad"}}, 400),
        ("config", {"realms": {US: {"wether": 1}}}, 400),
        ("files/1/1", None, 400),
        ("nothing", None, 404),
    ],
)
def test_wrong_settings_are_refused(client: Client, path: str, body: Any, status: int) -> None:
    assert control(client, path, body).status_code == status
