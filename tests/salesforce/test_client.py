"""Talking to Salesforce: tokens, pages, limits, and a sentence for whatever goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.public_http import PublicSession
from odoo_qb.salesforce.failures import NO_PASSWORDS, SettingNames
from sandbox.salesforce.server import CLIENT_SECRET, Salesforce
from tests.support.salesforce_org import a_client

if TYPE_CHECKING:
    from odoo_qb.salesforce.client import Record, SalesforceClient

ALL = "SELECT Id FROM Account"
NAMES = SettingNames(
    url="erp_connections.crm.url",
    client_id="erp_connections.crm.client_id",
    client_secret="erp_credentials.crm",
    mapping="erp_connections.crm.mapping",
)


def rows(client: SalesforceClient, soql: str = ALL, **given: Any) -> list[Record]:
    return [row for page in client.query(soql, **given) for row in page]


def refusal(org: Salesforce, soql: str = ALL, **given: Any) -> Exception:
    with (
        a_client(org, setting_names=NAMES, **given) as client,
        pytest.raises((Refused, Unavailable)) as refused,
    ):
        rows(client, soql)
    assert CLIENT_SECRET not in str(refused.value)
    assert not any(token in str(refused.value) for token in org.tokens)
    return refused.value


def test_a_query_is_read_page_by_page() -> None:
    org = Salesforce()
    org.page = 7
    with a_client(org) as client:
        found = rows(client, f"{ALL} ORDER BY Id")
        assert [row["Id"] for row in found] == sorted(row["Id"] for row in org.held("Account"))
        assert client.calls == 1 + 6  # one to sign in
    assert org.calls == ["token", "query", *["more"] * 5]


def test_only_query_all_shows_what_is_in_the_bin() -> None:
    org = Salesforce()
    gone = org.held("Account")[3]["Id"]
    org.delete("Account", gone)
    with a_client(org) as client:
        assert gone not in [row["Id"] for row in rows(client)]
        assert gone in [row["Id"] for row in rows(client, deleted=True)]


def test_a_token_that_ended_is_made_anew_once() -> None:
    org = Salesforce()
    with a_client(org) as client:
        rows(client)
        org.end_sessions()
        assert len(rows(client)) == 40
        assert org.calls.count("token") == 2


def test_a_token_that_ends_at_once_is_no_loop() -> None:
    org = Salesforce()
    org.fail("INVALID_SESSION_ID", call="query", times=9)
    assert "ended a new session at once" in str(refusal(org))
    assert org.calls.count("token") == 1  # an error with another status than 401
    again = Salesforce()
    again.tokens = _Nobody()
    assert "ended a new session at once" in str(refusal(again))
    assert again.calls.count("token") == 2


class _Nobody(set[str]):
    """Tokens, none of which is good."""

    def __contains__(self, token: object) -> bool:
        return False


def test_how_many_calls_the_org_has_used_is_known() -> None:
    org = Salesforce()
    org.used, org.limit = 116, 5_000
    with a_client(org) as client:
        rows(client)
        assert client.usage == (117, 5_000)


def test_the_last_calls_of_an_org_are_left_to_others() -> None:
    org = Salesforce()
    org.used, org.limit = 94, 100
    with a_client(org) as client:
        rows(client)
        with pytest.raises(Unavailable, match="Salesforce counts 95 of the 100 API calls"):
            rows(client)
        assert org.used == 95
        client.refresh()
        rows(client)
        assert org.used == 96


def test_an_org_without_calls_is_not_asked_again_at_once() -> None:
    org = Salesforce()
    org.used = org.limit = 100
    error = refusal(org)
    assert isinstance(error, Unavailable)
    assert "the last 24 hours are used up" in str(error)
    assert org.calls == ["token", "query"]


@pytest.mark.parametrize(
    ("error", "description", "sentence"),
    [
        ("invalid_client_id", "client identifier invalid", "check erp_connections.crm.client_id"),
        ("invalid_client", "invalid client credentials", "and erp_credentials.crm."),
        ("invalid_grant", "no client credentials user enabled", "choose one under Run As"),
        ("invalid_grant", "request not supported on this domain", "is the org's My Domain"),
        ("unsupported_grant_type", "grant type not supported", "has the client credentials flow"),
        ("invalid_app_access", "not approved", "refused to sign us in: not approved"),
        ("rate_limit_exceeded", "login rate exceeded", "accepts no more sign-ins"),
    ],
)
def test_each_refusal_of_a_token_says_what_to_do(
    error: str, description: str, sentence: str
) -> None:
    org = Salesforce()
    org.token_error = (error, description)
    assert sentence in str(refusal(org))


def test_a_wrong_secret_is_refused_and_never_repeated() -> None:
    org = Salesforce()
    wrong = "a-wrong-secret-9314"
    error = refusal(org, client_secret=wrong)
    assert isinstance(error, Refused)
    assert error.code == "invalid_client"
    assert wrong not in str(error)
    org.token_error = ("other", f"the secret {wrong} is wrong")
    assert wrong not in str(refusal(org, client_secret=wrong))


@pytest.mark.parametrize(
    ("soql", "sentence"),
    [
        ("SELECT Vat__c FROM Account", "Salesforce's Account has no field Vat__c"),
        (
            "SELECT Id FROM Bill__c",
            "Salesforce has no Bill__c that the app's user may see: correct",
        ),
        ("SELECT FROM", "Salesforce refused the request: unexpected token"),
        ("SELECT Owner__r.Name FROM Account", "Didn't understand relationship 'Owner__r'"),
    ],
)
def test_each_error_of_a_query_says_what_to_do(soql: str, sentence: str) -> None:
    error = refusal(Salesforce(), soql)
    assert isinstance(error, Refused)
    assert sentence in str(error)
    assert "\n" not in str(error)


def test_what_the_user_may_not_see_reads_as_missing() -> None:
    org = Salesforce()
    org.hidden = {"Account.Phone", "Invoice__c"}
    assert "no field Phone that the app's user may see" in str(
        refusal(org, "SELECT Phone FROM Account")
    )
    assert "no Invoice__c that the app's user" in str(refusal(org, "SELECT Id FROM Invoice__c"))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("bad_gateway", "answered with HTTP status 502 and no data"),
        ("html", "answered with HTTP status 200 and no data"),
        ("redirect", "redirected us to another address, where nothing was sent"),
        ("cut", "broke off in its answer"),
        ("reset", "cannot be reached"),
        ("server_error", "is not available just now (UNKNOWN_EXCEPTION)"),
        ("SERVER_UNAVAILABLE", "is not available just now (SERVER_UNAVAILABLE)"),
        ("QUERY_TIMEOUT", "is not available just now (QUERY_TIMEOUT)"),
        ("API_DISABLED_FOR_ORG", "needs the permission API Enabled"),
        ("INSUFFICIENT_ACCESS", "lacks a right"),
        ("SOMETHING_NEW", "Salesforce refused the request: no"),
    ],
)
def test_each_failure_is_a_sentence(kind: str, sentence: str) -> None:
    org = Salesforce()
    org.fail(kind, call="query", times=9)
    assert sentence in str(refusal(org))


@pytest.mark.parametrize("kind", ["bad_gateway", "cut", "server_error", "QUERY_TIMEOUT"])
def test_what_passes_is_tried_again(kind: str) -> None:
    org = Salesforce()
    org.fail(kind, call="query", times=2)
    with a_client(org) as client:
        assert len(rows(client)) == 40


def test_a_list_that_ended_while_it_was_read_is_for_the_next_run() -> None:
    org = Salesforce()
    org.page = 7
    with a_client(org) as client:
        pages = client.query(ALL)
        next(pages)
        org.forget_lists()
        with pytest.raises(Unavailable, match="INVALID_QUERY_LOCATOR"):
            next(pages)


def test_a_host_that_is_not_there_names_the_setting() -> None:
    org = Salesforce()
    error = refusal(org, url="http://127.0.0.1:9")
    assert "check erp_connections.crm.url, which is the org's My Domain" in str(error)


def test_nothing_is_sent_to_a_private_address() -> None:
    org = Salesforce()
    error = refusal(org, session=PublicSession())
    assert isinstance(error, Refused)
    assert "is no public address. Nothing was sent." in str(error)
    assert org.calls == []


def test_the_way_by_password_is_refused_with_its_end() -> None:
    assert "ends its username-password flow on 20 February 2027" in NO_PASSWORDS
    assert "client credentials" in NO_PASSWORDS
