"""The Odoo simulator with two companies' books answers as real servers did with theirs."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from sandbox.odoo.server import Odoo
from sandbox.odoo.view import User

type Json = Any

RECORDINGS = Path(__file__).parents[1] / "odoo" / "ledger_recordings"
NOW = datetime(2026, 11, 27, 23, 20, tzinfo=UTC)
USERS = {
    "restricted@example.com": ("Restricted Internal User", (1, 2), False),
    "one-company@example.com": ("One-company Accountant", (1,), True),
}
# The dataset is what the recorded Odoo 18 held, so its answers must be equal. The other versions'
# databases came from the same generator, at another time: their first second is read as ours.
FIRST_SECOND = {
    16: "2026-11-27 23:15:5",
    17: "2026-11-27 23:11:4",
    18: "2026-11-27 23:05:4",
    19: "2026-11-27 23:13:3",
}
# Equal but for ids and write dates: other databases number accounts, journals, contacts (19) and
# currencies (16) in another way.
OTHER_IDS = {
    16: """
        account_restricted_user account_search_with_closed company_fiscal_year
        contact_children contact_group_fingerprint group_by_account_and_month
        group_by_account_several_sums group_lazy_default group_limit_offset_order
        keyset_contacts ledger_session_read_group ledger_session_search_read
        line_search_read_quarter web_search_read_lines
    """,
    17: """
        account_restricted_user account_search_read_other_company_no_context
        account_search_read_types account_search_with_closed company_fiscal_year
        contact_archived_active_test contact_children contact_group_fingerprint
        contact_page_2 contact_page_by_id group_by_account_and_month
        group_by_account_quarter group_by_account_several_sums
        group_by_company_and_account_no_context group_lazy_default
        group_limit_offset_order keyset_contacts ledger_session_read_group
        ledger_session_search_read line_search_read_quarter order_search_read
        payment_method_lines web_search_read_lines
    """,
    19: """
        account_search_read_other_company_no_context account_search_with_closed
        company_fiscal_year contact_archived_active_test contact_archived_by_domain
        contact_children contact_restricted_user contact_same_mail
        group_limit_offset_order json2_account_search_read json2_contact_web_search_read
        keyset_by_id_since keyset_page_1 keyset_page_2_naive keyset_page_2_seconds
        line_search_read_quarter payment_draft_and_cancelled payment_read_manual
        web_search_read_lines web_search_read_partners
    """,
}
# Equal in shape, the same keys with values of the same types: documents are numbered by calendar
# years before 18, charts differ, and 19 rounds some cents of tax in another way.
OTHER_DATA = {
    16: """
        account_by_code_prefix account_search_read_company
        account_search_read_other_company_no_context account_search_read_types
        contact_archived_active_test contact_page_1 contact_page_2 contact_page_by_id
        group_by_account group_by_account_before group_by_account_quarter
        group_by_company_and_account_no_context group_by_partner group_by_quarter
        ledger_session_search_count line_search_count order_group_by_state
        payment_draft_and_cancelled payment_method_lines payment_page payment_read_manual
    """,
    17: """
        account_by_code_prefix account_search_read_company contact_page_1 group_by_account
        group_by_account_before group_by_partner group_by_quarter
        ledger_session_search_count line_search_count payment_draft_and_cancelled
        payment_page payment_read_manual
    """,
    19: """
        account_by_code_prefix account_search_read_company account_search_read_types
        account_shared_first_company contact_before_deletion contact_count
        contact_deleted_count_of_ids contact_deleted_search contact_group_fingerprint
        contact_ids contact_page_1 contact_page_2 formatted_group_account_and_month
        formatted_group_account_type_path formatted_group_by_account
        formatted_group_quarter formatted_grouping_sets group_by_account
        group_by_account_and_month group_by_account_before group_by_account_quarter
        group_by_account_several_sums group_by_account_type_related
        group_by_company_and_account_no_context group_by_partner group_by_quarter
        group_by_state group_lazy_default json2_account_restricted json2_contact_ids
        json2_contact_page json2_formatted_read_group json2_formatted_read_group_month
        json2_formatted_read_group_path json2_formatted_read_group_quarter
        json2_formatted_read_grouping_sets json2_line_search_count json2_order_search_read
        json2_payment_search_read json2_read_group keyset_contacts
        ledger_session_formatted_read_group ledger_session_read_group
        ledger_session_search_count ledger_session_search_read line_search_count
        order_group_by_state order_lines order_search_read payment_group_by_state
        payment_method_lines payment_page
    """,
}
# Not compared, and why.
NOT_COMPARED = {
    (16, "contact_before_deletion"): "the contact was deleted before the dataset was made",
    (16, "order_search_read"): "16 gave an order no last day (validity_date) by default",
    (17, "contact_before_deletion"): "the contact was deleted before the dataset was made",
    (18, "contact_before_deletion"): "the contact was deleted before the dataset was made",
    (
        19,
        "account_shared_second_company",
    ): "the account with two codes has another id, and 127 is no second company's",
    (19, "contact_deleted_read"): "the deleted id is a living contact in the dataset",
    (19, "contact_page_by_id"): "ids are one lower, so that the page holds other contacts",
    (19, "json2_contact_deleted_read"): "the deleted id is a living contact in the dataset",
    (
        19,
        "json2_fields_get_contact",
    ): "two fields of the Sales app, which the flow's recorded server lacked",
}


@cache
def _server(version: int) -> Odoo:
    """A server with the ledger, and the users that were recorded."""
    me = "ap-bot@example.com"
    odoo = Odoo(
        version=version,
        dataset="ledger-18",
        database=f"odoo{version}_ledger",
        login=me,
        api_key=f"API_KEY-of-{me}",
        password=f"PASSWORD-of-{me}",
        clock=lambda: NOW,
    )
    first = max(odoo.users) + 1
    for uid, (login, (name, companies, reads)) in enumerate(USERS.items(), first):
        odoo.admit(
            User(
                uid=uid,
                name=name,
                login=login,
                api_key=f"API_KEY-of-{login}",
                password=f"PASSWORD-of-{login}",
                companies=companies,
                reads_accounting=reads,
            )
        )
    return odoo


def _recordings() -> list[Any]:
    return [
        pytest.param(int(path.parent.name), path, id=f"{path.parent.name}-{path.stem}")
        for path in sorted(RECORDINGS.glob("*/*.json"))
    ]


@pytest.mark.parametrize(("version", "path"), _recordings())
def test_answers_as_the_real_server_did(version: int, path: Path) -> None:
    recording = json.loads(path.read_text().replace(FIRST_SECOND[version], FIRST_SECOND[18]))
    status, answer = _replayed(version, recording["request"], expired="expired" in path.stem)
    expected = recording["response"]

    theirs, ours = (_comparable(path.stem, body) for body in (expected["body"], answer))
    if (version, path.stem) in NOT_COMPARED:
        assert _shape(ours) != _shape(theirs), "it need not be in the table"
        return
    assert status == expected["status"]
    if path.stem in OTHER_DATA.get(version, "").split():
        assert _without_ids(ours) != _without_ids(theirs), "it need not be in the table"
        assert _shape(ours) == _shape(theirs)
    elif path.stem in OTHER_IDS.get(version, "").split():
        assert ours != theirs, "it need not be in the table"
        assert _without_ids(ours) == _without_ids(theirs)
    else:
        assert ours == theirs


def test_every_version_is_replayed_from_enough_recordings() -> None:
    counts = Counter(path.parent.name for path in RECORDINGS.glob("*/*.json"))
    assert all(counts[version] >= 80 for version in ("16", "17", "18"))
    assert counts["19"] >= 115


def test_the_tables_name_recordings_once() -> None:
    named = [(v, n) for table in (OTHER_IDS, OTHER_DATA) for v in table for n in table[v].split()]
    named += NOT_COMPARED
    assert max(Counter(named).values()) == 1
    assert all((RECORDINGS / str(version) / f"{name}.json").exists() for version, name in named)


def _replayed(version: int, request: Json, *, expired: bool) -> tuple[int, Json]:
    """Send what was recorded, with this server's secrets in place of the placeholders."""
    odoo = _server(version)
    text = re.sub(r"<(API_KEY|PASSWORD):([^>]+)>", r"\1-of-\2", json.dumps(request))
    request = json.loads(text)
    kept = ("Content-Type", "Authorization", "X-Odoo-Database")
    headers = {k: v for k, v in request["headers"].items() if k in kept}
    if "Cookie" in request["headers"] and not expired:
        user = next(iter(odoo.users.values()))
        session, _ = odoo.log_in(odoo.database, user.login, user.password)
        headers["Cookie"] = f"session_id={session}"
    answer = Client(odoo, use_cookies=False).open(
        request["path"],
        method=request["method"],
        headers=headers,
        data=json.dumps(request["body"]),
    )
    return answer.status_code, answer.get_json()


def _comparable(name: str, body: Json) -> Json:
    """What must be equal: all but tracebacks, labels of fields and what the web client is told."""
    if isinstance(body, dict) and "error" in body:
        body["error"]["data"].pop("debug")
    if isinstance(body, dict) and "debug" in body:
        body.pop("debug")
    if isinstance(body, dict) and name.endswith("session_authenticate"):
        return {key: body["result"][key] for key in ("uid", "db", "name", "user_context")}
    if "fields_get" in name and "wrong" not in name:
        fields = body.get("result", body)
        kept = ("type", "relation", "selection", "store")
        return {n: {k: f[k] for k in kept if k in f} for n, f in fields.items()}
    return body


def _without_ids(value: Json) -> Json:
    """An answer without what numbers records and says when they were written."""
    match value:
        case [int(), str(name)]:
            return name
        case [str(field), "=", int()]:  # in the domain of a group
            return [field, "=", "a record"]
        case list():
            return [_without_ids(item) for item in value]
        case dict():
            left_out = ("id", "write_date", "create_date")
            return {key: _without_ids(v) for key, v in value.items() if key not in left_out}
    return value


def _shape(value: Json) -> Json:
    """The keys of an answer and the types under them, over all of its rows."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [{key: _types([row[key] for row in value]) for key in value[0]}]
    if isinstance(value, list) and value and isinstance(value[0], list):
        return [_shape(rows) for rows in value]
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [type(item) for item in value[:1]]
    return type(value)


def _types(values: list[Json]) -> Json:
    """The types that tell something: false and an empty list stand for nothing in any column."""
    told = {str(_shape(value)) for value in values if value is not False and value != []}
    return sorted(told) if len(told) == 1 else []


@pytest.mark.parametrize("version", [16, 17, 18, 19])
def test_each_dataset_knows_the_models_of_the_other_and_has_none_of_their_records(
    version: int,
) -> None:
    flow, ledger = Odoo(version=version), Odoo(version=version, dataset="ledger-18")
    for odoo, model, count in (
        (flow, "sale.order", 0),
        (flow, "sale.order.line", 0),
        (flow, "account.payment.method.line", 0),
        (ledger, "ir.attachment", 0),
        (ledger, "account.payment.term", 0),
        (ledger, "sale.order", 30),
        (ledger, "res.partner", 47),
    ):
        user = next(iter(odoo.users.values()))
        kwargs: Json = {"context": {"active_test": False}}
        assert odoo.run(user, model, "search_count", [[]], dict(kwargs)) == count
        found: Json = odoo.run(user, model, "search_read", [[], ["display_name"]], dict(kwargs))
        assert len(found) == count


def test_a_users_companies_are_the_datasets() -> None:
    assert next(iter(Odoo().users.values())).companies == (1, 2, 3, 4)
    assert next(iter(Odoo(dataset="ledger-18").users.values())).companies == (1, 2)


class TestSessions:
    """The web client's sessions, which plans without an external API are read with."""

    @pytest.fixture
    def odoo(self) -> Odoo:
        return Odoo(dataset="ledger-18", clock=lambda: NOW)

    def ask(self, odoo: Odoo, path: str, cookie: str = "", **params: Json) -> Json:
        answer = Client(odoo, use_cookies=False).post(
            path,
            json={"jsonrpc": "2.0", "method": "call", "id": 7, "params": params},
            headers={"Cookie": cookie} if cookie else {},
        )
        assert answer.status_code == 200
        body: Json = answer.get_json()
        return body

    def sums(self, odoo: Odoo, cookie: str) -> Json:
        path = "/web/dataset/call_kw/account.payment/read_group"
        kwargs = {"fields": ["amount:sum"], "groupby": ["state"], "lazy": False}
        named = {"model": "account.payment", "method": "read_group"}
        return self.ask(odoo, path, cookie, **named, args=[[]], kwargs=kwargs)

    def test_an_api_key_opens_none(self, odoo: Odoo) -> None:
        user = next(iter(odoo.users.values()))
        login = {"db": odoo.database, "login": user.login}
        refused = self.ask(odoo, "/web/session/authenticate", **login, password=user.api_key)
        assert refused["error"]["data"]["name"] == "odoo.exceptions.AccessDenied"
        assert "result" in self.ask(
            odoo, "/web/session/authenticate", **login, password=user.password
        )

    def test_one_that_expired_is_refused_with_code_100_and_a_new_one_serves(
        self, odoo: Odoo
    ) -> None:
        user = next(iter(odoo.users.values()))
        for _ in range(2):
            session, _ = odoo.log_in(odoo.database, user.login, user.password)
            assert len(self.sums(odoo, f"session_id={session}")["result"]) == 4
            odoo.expire_sessions()
            expired = self.sums(odoo, f"session_id={session}")["error"]
            assert (expired["code"], expired["data"]["name"]) == (
                100,
                "odoo.http.SessionExpiredException",
            )


def test_planned_failures_happen_to_groups_as_to_any_method() -> None:
    odoo = Odoo(version=19, dataset="ledger-18", clock=lambda: NOW)
    client = Client(odoo)

    def sums(model: str = "account.payment") -> Json:
        path = f"/json/2/{model}/formatted_read_group"
        body = {"domain": [], "groupby": ["state"], "aggregates": ["__count"]}
        key = {"Authorization": "bearer sandbox-odoo-key"}
        answer = client.post(path, json=body, headers=key)
        return answer.status_code, answer.get_data(as_text=True)

    whole = sums()
    method = "account.payment.formatted_read_group"
    odoo.fail("bad_gateway", method=method)
    odoo.fail("cut", method=method)
    odoo.fail("no_right", method=method)
    assert sums("account.move")[0] == 200
    assert sums()[0] == 502
    assert sums() == (200, whole[1][: len(whole[1]) // 2])
    status, text = sums()
    assert status == 403
    assert "'Payments' (account.payment)" in text
    assert sums() == whole


@pytest.mark.parametrize("version", [16, 17])
def test_before_18_each_company_has_an_account_of_its_own(version: int) -> None:
    odoo = Odoo(version=version, dataset="ledger-18")
    user = next(iter(odoo.users.values()))
    domain = [["name", "=", "Shared Clearing"]]
    kwargs = {"order": "code"}
    rows: Json = odoo.run(
        user, "account.account", "search_read", [domain, ["code", "company_id"]], kwargs
    )
    assert [(row["code"], row["company_id"][0]) for row in rows] == [("188000", 1), ("288000", 2)]
    for row in rows:
        items: Json = odoo.run(
            user, "account.move.line", "search_read", [[["account_id", "=", row["id"]]]], {}
        )
        assert {item["company_id"][0] for item in items} == {row["company_id"][0]}
