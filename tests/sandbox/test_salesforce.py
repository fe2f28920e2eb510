"""The Salesforce simulator answers as the REST reference says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import Client

from sandbox.salesforce.org import id_of
from sandbox.salesforce.server import CLIENT_ID, CLIENT_SECRET, Salesforce

NOW = datetime(2026, 11, 28, 12, 30, 15, 500_000, tzinfo=UTC)


def an_org() -> Salesforce:
    return Salesforce(clock=lambda: NOW)


def token(org: Salesforce, **changed: str) -> Any:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    return Client(org).post("/services/oauth2/token", data=form | changed)


def query(org: Salesforce, soql: str, resource: str = "query") -> Any:
    bearer = token(org).get_json()["access_token"]
    headers = {"Authorization": f"Bearer {bearer}"}
    path = f"/services/data/v62.0/{resource}"
    return Client(org).get(path, query_string={"q": soql}, headers=headers)


def test_an_id_has_three_letters_that_say_which_are_upper_case() -> None:
    assert id_of("001", 0) == "001gL0000000000QAA"
    assert len(id_of("a01", 62**9 - 1)) == 18
    assert id_of("001", 10)[:15].swapcase() != id_of("001", 10)[:15]


def test_ids_of_an_org_have_gaps_and_order() -> None:
    org = an_org()
    ids = [row["Id"] for row in org.held("Account")]
    assert ids == sorted(ids)
    assert len({*ids}) == 40


def test_a_token_is_for_an_app_with_its_secret() -> None:
    org = an_org()
    made = token(org).get_json()
    assert made["token_type"] == "Bearer"
    assert made["access_token"] in org.tokens
    for changed, error in (
        ({"client_id": "other"}, "invalid_client_id"),
        ({"client_secret": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ):
        refused = token(org, **changed)
        assert (refused.status_code, refused.get_json()["error"]) == (400, error)


def test_without_a_token_nothing_answers() -> None:
    refused = Client(an_org()).get("/services/data/v62.0/query", query_string={"q": "SELECT"})
    assert refused.status_code == 401
    assert refused.get_json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]


def test_a_page_names_the_next_and_the_limit() -> None:
    org = an_org()
    org.page = 25
    answer = query(org, "SELECT Id, Name FROM Account ORDER BY Id")
    body = answer.get_json()
    assert (body["totalSize"], body["done"], len(body["records"])) == (40, False, 25)
    assert body["nextRecordsUrl"].startswith("/services/data/v62.0/query/01g")
    assert body["records"][0]["attributes"]["type"] == "Account"
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/15000"


def test_relations_and_sums_are_written_as_salesforce_does() -> None:
    org = an_org()
    (row, *_) = query(org, "SELECT Id, Account__r.Name FROM Invoice__c").get_json()["records"]
    assert row["Account__r"]["Name"] == "Customer 00 & Söhne"
    (sums,) = query(org, "SELECT COUNT(Id) n, MAX(SystemModstamp) m FROM Account").get_json()[
        "records"
    ]
    assert (sums["n"], sums["m"]) == (40, "2026-01-07T00:00:00.000+0000")
    assert sums["attributes"] == {"type": "AggregateResult"}


def test_a_window_by_time_is_inclusive_to_the_second() -> None:
    org = an_org()
    new = org.add("Account", Name="New")
    for moment, found in ((NOW, [new]), (NOW + timedelta(seconds=1), [])):
        since = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        soql = f"SELECT Id FROM Account WHERE SystemModstamp >= {since}"  # noqa: S608 - no SQL
        assert [row["Id"] for row in query(org, soql).get_json()["records"]] == found


def test_the_bin_is_seen_by_query_all_until_it_is_emptied() -> None:
    org = an_org()
    gone = org.held("Account")[0]["Id"]
    soql = "SELECT Id, IsDeleted FROM Account WHERE Id IN ('ID')".replace("ID')", f"{gone}')")
    org.delete("Account", gone)
    assert query(org, soql).get_json()["records"] == []
    (row,) = query(org, soql, "queryAll").get_json()["records"]
    assert row["IsDeleted"] is True
    org.purge("Account", gone)
    assert query(org, soql, "queryAll").get_json()["records"] == []


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Nothing__c", "INVALID_TYPE"),
        ("SELECT Nothing__c FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Nothing__c = true", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp >= yesterday", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name LIKE 'x'", "MALFORMED_QUERY"),
        ("DELETE FROM Account", "MALFORMED_QUERY"),
    ],
)
def test_a_query_is_refused_in_salesforces_words(soql: str, code: str) -> None:
    refused = query(an_org(), soql)
    assert refused.status_code == 400
    assert refused.get_json()[0]["errorCode"] == code


def test_an_address_that_is_too_long_is_refused() -> None:
    ids = ",".join(f"'{id_of('001', n)}'" for n in range(900))
    assert (
        query(an_org(), "SELECT Id FROM Account WHERE Id IN (…)".replace("…", ids)).status_code
        == 414
    )


def test_an_org_without_calls_answers_with_its_limit() -> None:
    org = an_org()
    org.used = org.limit = 10
    refused = query(org, "SELECT Id FROM Account")
    assert refused.status_code == 403
    assert refused.get_json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
