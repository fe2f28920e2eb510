"""openapi.json says what is so: examples and real answers fit it, and it has all that is served."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft202012Validator

from odoo_qb.api.contract import load_contract
from odoo_qb.api.records import KINDS
from odoo_qb.odoo.served_kinds import SERVED_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.in_process.api import ApiDesk, Response

Json = dict[str, Any]

CONTRACT: Final = load_contract()
DOCUMENT: Final[Json] = CONTRACT.resolved(CONTRACT.document)
OPERATIONS: Final = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
WRITES: Final = {"createSchedule", "deleteSchedule", "listSchedules"}


def faults(schema: Json, value: object) -> list[str]:
    return [f"{e.json_path}: {e.message}" for e in Draft202012Validator(schema).iter_errors(value)]


def examples() -> Iterator[tuple[str, Json, object]]:
    """Each example of the document, with its schema and its place."""
    for name, (_, _, operation) in OPERATIONS.items():
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                yield f"{name} {parameter['name']}", parameter["schema"], parameter["example"]
        parts = [operation.get("requestBody", {}), *operation["responses"].values()]
        for part in parts:
            for content in part.get("content", {}).values():
                if "example" in content:
                    yield name, content["schema"], content["example"]
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if "example" in schema:
            yield name, schema, schema["example"]


def test_every_schema_is_one() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema.get("title"), name


def test_every_example_fits_its_schema() -> None:
    found = list(examples())
    assert len(found) > 60
    assert [(place, f) for place, schema, value in found for f in faults(schema, value)] == []


def test_every_route_parameter_body_answer_and_error_is_described() -> None:
    for name, (_, _, operation) in OPERATIONS.items():
        assert operation["summary"], name
        assert "default" in operation["responses"], name
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], name
        for content in operation.get("requestBody", {"content": {}})["content"].values():
            assert content["schema"]["properties"], name
        for status, answer in operation["responses"].items():
            assert answer["description"], (name, status)
            for media_type, content in answer.get("content", {}).items():
                is_json = media_type.endswith("json") and (name, status) != ("getContract", "200")
                assert ("example" in content) == is_json, (name, status)


def test_every_operation_has_its_handler_and_each_handler_its_operation(api: ApiDesk) -> None:
    assert set(api.wired.api.handlers) == set(OPERATIONS)


def conforms(name: str, response: Response) -> None:
    """The answer is one that the document describes: its status, type, headers and body."""
    _, _, operation = OPERATIONS[name]
    described = operation["responses"].get(str(response.status), operation["responses"]["default"])
    if "content" in described:
        media_type = response.headers["content-type"].partition(";")[0]
        assert media_type in described["content"], (name, response.status)
        if media_type.endswith("json"):
            schema = described["content"][media_type]["schema"]
            assert faults(schema, response.json) == [], (name, response.status)
            rows = response.json if isinstance(response.json, list) else [response.json]
            one = schema.get("items", schema)
            if "properties" in one:
                assert {key for row in rows for key in row} <= one["properties"].keys(), name
    ours = {h for h in response.headers if h.startswith("x-") and h != "x-content-type-options"}
    assert ours <= {h.lower() for h in described.get("headers", {})}, name


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - WRITES))
def test_real_answers_are_as_described(api: ApiDesk, name: str) -> None:
    method, path, operation = OPERATIONS[name]
    is_list = name.startswith("list")
    ids = [] if not path.endswith("{id}") else [row["id"] for row in api.get(path[:-5]).json]
    if path.endswith("{id}") and not ids:
        ids = [1]  # transactions are not mirrored
    targets = [path.replace("{id}", str(i)).replace("{name}", "docs.js") for i in ids[:5] or [0]]
    queries = (
        ["", "limit=2&skip=1", "sort=-write_date", "limit=0"] if is_list else ["", "nonsense=1"]
    )
    if any(p["name"] == "fields" for p in operation.get("parameters", ())):
        queries.append("fields=all")
    form = {"content-type": "application/x-www-form-urlencoded"}
    for target in targets:
        for query in queries:
            conforms(name, api.call(method, f"{target}?{query}", headers=form, body=b"token=x"))
        conforms(name, api.call(method, target, token=None))


def test_the_contract_shows_every_field_that_is_mirrored(api: ApiDesk) -> None:
    for name, kind in KINDS.items():
        schema = CONTRACT.schema(name)
        served = {s.name for s in SERVED_KINDS[kind].served} - {"payment_method_id"}
        assert served <= schema["properties"].keys(), name
        if kind != "transaction":
            mirrored = {key for row in api.desk.stored(kind).values() for key in row}
            ours = {"odoo_id", "created_at", "updated_at"}
            assert schema["properties"].keys() == mirrored | ours, name


def test_the_document_is_served_as_it_is(api: ApiDesk) -> None:
    served = api.get("/openapi.json")
    assert json.loads(served.text) == CONTRACT.document
    assert all(token not in served.text for token in ("amazonaws", "127.0.0.1", "localhost"))


def test_examples_of_errors_are_what_comes(api: ApiDesk) -> None:
    given = DOCUMENT["paths"]["/schedule-task"]["post"]["requestBody"]["content"]
    body = given["application/json"]["example"]
    api.call("POST", "/schedule-task", body=body)
    named, as_json = f"/scheduled-tasks/{body['task_name']}", {"content-type": "application/json"}
    answers = {
        "BadRequest": api.call("POST", "/schedule-task", body="{", headers=as_json),
        "Unauthorized": api.get("/contacts", token=None),
        "Conflict": api.call("POST", "/schedule-task", body=body),
        "NotFound": [api.call("DELETE", named) for _ in range(2)][1],
        "TooLarge": api.call("POST", "/schedule-task", body=b" " * 1_000_001),
        "WrongType": api.call("POST", "/schedule-task", body="a"),
        "Unprocessable": api.get("/contacts?limit=0"),
        "Other": api.call("PUT", "/contacts"),
        "Forbidden": api.call(
            "POST", "/sign-in", token=None, headers={"origin": "https://evil.example"}
            | {"content-type": "application/x-www-form-urlencoded"}, body="token=x",
        ),
    }  # fmt: skip
    for name, answer in answers.items():
        content = DOCUMENT["components"]["responses"][name]["content"]
        assert answer.json == content["application/problem+json"]["example"], name
