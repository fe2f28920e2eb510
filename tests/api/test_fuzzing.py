"""Requests made up from openapi.json: whatever they say, the answer is one that it describes.

FUZZ_CASES=2000 sends that many instead of the few that every run of the tests has time for.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from odoo_qb.api.contract import load_contract
from sandbox.in_process.api import TOKEN

if TYPE_CHECKING:
    from sandbox.in_process.api import ApiDesk

FEW: Final = 1_000
CASES: Final = int(os.environ.get("FUZZ_CASES", "250"))
HEADERS: Final = {"Authorization": f"Bearer {TOKEN}"}
CHECKS: Final = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
MODES: Final = list(GenerationMode)
MULTIPLE_CHOICES: Final = 300
NOT_MIRRORED: Final = {"/api/erp/transactions", "/api/erp/transactions/{id}"}
OPERATIONS: Final = [
    (path, method)
    for path, methods in load_contract().document["paths"].items()
    for method in methods
]


@pytest.fixture
def schema(api: ApiDesk) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", api, headers=HEADERS)


def likely(case: Any, data: st.DataObject, ids: dict[str, list[int]]) -> None:
    """Let a good request be about what there is: made-up connections and ids hardly ever are."""
    query = case.query or {}
    query.pop("cursor", None)
    if "connection" in query:
        query["connection"] = data.draw(st.sampled_from(["odoo", "ledger"]))
    if "skip" in query:
        query["skip"] = data.draw(st.integers(0, 30))
    route = case.path.removesuffix("/{id}")
    if ids.get(route) and route != case.path:
        case.path_parameters["id"] = data.draw(st.sampled_from(ids[route]))


def test_no_made_up_request_gets_an_answer_that_is_not_described(api: ApiDesk, schema: Any) -> None:
    lists = [path for path, _ in OPERATIONS if f"{path}/{{id}}" in dict(OPERATIONS)]
    ids = {path: [row["id"] for row in api.get(f"{path}?limit=1000").json] for path in lists}
    statuses: Counter[int] = Counter()
    full: set[str] = set()

    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize=CASES < FEW,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data(), operation=st.sampled_from(OPERATIONS), good=st.sampled_from(MODES))
    def run(data: st.DataObject, operation: tuple[str, str], good: GenerationMode) -> None:
        path, method = operation
        case = data.draw(schema[path][method.upper()].as_strategy(good))
        if good is GenerationMode.POSITIVE and data.draw(st.integers(0, 3)):
            likely(case, data, ids)
        response = case.call(base_url="http://localhost", headers=HEADERS)
        case.validate_response(response, checks=CHECKS)
        assert "Traceback" not in response.text
        statuses[response.status_code] += 1
        if response.status_code < MULTIPLE_CHOICES and len(response.text) > len("[]"):
            full.add(path)

    run()
    assert statuses.total() >= CASES / 2
    assert statuses[200] > statuses.total() / 4
    assert statuses[422] > statuses.total() / 8
    if CASES >= FEW:
        assert full >= {*lists, *(f"{path}/{{id}}" for path in lists)} - NOT_MIRRORED
