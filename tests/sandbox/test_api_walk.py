"""The walk through the API's routes, which `companions` takes, finds what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.api.contract import Contract, load_contract
from sandbox.companions.api_client import ApiClient, ApiError
from sandbox.companions.api_walk import ApiWalk
from sandbox.companions.comparison import simulated_ids
from sandbox.http_server import serve
from sandbox.in_process.api import TOKEN, ApiDesk, an_api
from tests.mirror.small_ledger import a_small_mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from odoo_qb.sources import Kind, Source

Json = dict[str, Any]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[ApiDesk, ApiClient]]:
    """The API over a mirror that is loaded, behind a server."""
    with (
        pytest.MonkeyPatch.context() as patch,
        a_small_mirror() as mirror,
        an_api(mirror, patch.setenv) as api,
        serve(api) as server,
    ):
        mirror.sync()
        yield api, ApiClient(server.url, TOKEN)


def walk(client: ApiClient, document: Json | None = None) -> ApiWalk:
    contract = Contract(document) if document else load_contract()
    return ApiWalk(client=client, contract=contract, token=TOKEN)


@dataclass(frozen=True)
class Simulated:
    source: Source
    ids: Callable[[Kind], Iterable[int]]


def originals(api: ApiDesk) -> dict[str, Simulated]:
    return {"odoo": Simulated(api.desk.source(), simulated_ids(api.desk.odoo))}


def test_every_route_is_walked_and_every_record_compared(
    served: tuple[ApiDesk, ApiClient],
) -> None:
    api, client = served
    walked = walk(client)
    walked.walk()
    walked.compare(originals(api))
    assert walked.trouble == []
    routes = walked.report["routes"]
    assert routes["GET /contacts"]["without_token"] == 401
    assert routes["GET /contacts"]["with_token"] == 200
    assert routes["GET /contacts/{id}"]["/ten"] == 422
    assert routes["POST /schedule-task"]["with_token"] == 201
    assert routes["GET /health"]["wrong_token"] == 200
    assert routes["browser"]["docs_signed_in"] == 200
    operations = load_contract().document["paths"].values()
    assert len(routes) == sum(map(len, operations)) - 1  # the browser signs in and out
    assert api.schedules.names() == []
    tallies = walked.report["records"]["odoo"]
    assert tallies["/contacts"]["source"] > 5
    assert all(t["source"] == t["listed"] and not t["different"] for t in tallies.values())


def test_a_shape_that_is_not_the_contracts_is_found(served: tuple[ApiDesk, ApiClient]) -> None:
    _, client = served
    document = json.loads(json.dumps(load_contract().document))
    document["components"]["schemas"]["Contact"]["required"].append("shoe_size")
    document["paths"]["/health"]["get"]["security"] = [{"bearer": []}]
    del document["paths"]["/invoices"]["get"]["responses"]["422"]
    walked = walk(client, document)
    walked.walk()
    said = "\n".join(walked.trouble)
    assert "API: GET /contacts: 200 $[0]: 'shoe_size' is a required property" in said
    assert "API: GET /health: 200 without token." in said
    assert "API: GET /invoices?limit=0: the contract has no answer 422." in said


def test_a_record_that_differs_is_found(served: tuple[ApiDesk, ApiClient]) -> None:
    api, client = served
    contacts = api.desk.odoo.records["res.partner"]
    changed, deleted = sorted(contacts)[:2]
    before = dict(contacts)
    contacts[changed] = {**contacts[changed], "name": "Somebody Else"}
    del contacts[deleted]
    try:
        walked = walk(client)
        walked.compare(originals(api))
    finally:
        contacts.clear()
        contacts.update(before)
    assert walked.report["records"]["odoo"]["/contacts"]["different"] == 2
    said = "\n".join(walked.trouble)
    assert f"odoo /contacts/{changed}: name is" in said
    assert f"odoo /contacts/{deleted}: it is in one of the two only." in said


def test_without_a_token_of_this_api_nothing_is_walked_well(
    served: tuple[ApiDesk, ApiClient],
) -> None:
    api, client = served
    api.set_tokens({"another": "another-token-of-this-api-0123456789"})
    api.restart()
    try:
        walked = walk(client)
        with pytest.raises(ApiError, match="401"):
            client.schedules()
        walked.compare(originals(api))
        assert len(walked.trouble) == 6
    finally:
        api.reset()
