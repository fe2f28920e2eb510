"""What the tests of the QuickBooks simulator say to it: a client, bills, lines and files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.quickbooks.store import to_json

if TYPE_CHECKING:
    import requests

    from sandbox.quickbooks.server import QuickBooks

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
