"""Requests made up from openapi.json: whatever they say, the answer is one that it describes.

FUZZ_CASES=2000 sends that many instead of the few that every run of the tests has time for.
"""

from __future__ import annotations

import os
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
OPERATIONS: Final = [
    (path, method)
    for path, methods in load_contract().document["paths"].items()
    for method in methods
]


@pytest.fixture
def schema(api: ApiDesk) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", api, headers=HEADERS)


def test_no_made_up_request_gets_an_answer_that_is_not_described(schema: Any) -> None:
    def cases(operation: tuple[str, str]) -> st.SearchStrategy[Any]:
        made = schema[operation[0]][operation[1].upper()]
        return st.one_of([made.as_strategy(mode) for mode in GenerationMode])

    sent = []

    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize=CASES < 1_000,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data(), operation=st.sampled_from(OPERATIONS))
    def run(data: st.DataObject, operation: tuple[str, str]) -> None:
        case = data.draw(cases(operation))
        response = case.call(headers=HEADERS)
        case.validate_response(response, checks=CHECKS)
        assert "Traceback" not in response.text
        sent.append(operation)

    run()
    assert len(sent) >= CASES / 2
    assert len({*sent}) > len(OPERATIONS) / 2
