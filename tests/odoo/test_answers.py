"""Odoo's answers: by every way in the same, and each in the shape of its method."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from odoo_qb.errors import Unavailable
from sandbox.odoo.server import Odoo as Simulator
from tests.support.odoo_clients import DOORS, a_client


@pytest.mark.parametrize(("version", "way"), DOORS)
def test_every_method_is_answered_by_every_way(version: int, way: str) -> None:
    simulator = Simulator(version=version)
    with a_client(simulator, way) as odoo:
        assert odoo.call("account.move", "search", [["id", "in", [1, 2]]], order="id") == [1, 2]
        assert odoo.call("account.move", "search_count", [["id", "in", [1, 2]]]) == 2
        (row,) = odoo.call("account.move", "read", [1], fields=["ref"])
        assert row == {"id": 1, "ref": "1M-INV-1001"}
        fields = odoo.call("res.partner", "fields_get", ["name", "none"], attributes=["type"])
        assert fields == {"name": {"type": "char"}}
        everything = odoo.call("res.partner", "fields_get", attributes=["type"])
        assert ("mobile" in everything) == (version < 19)
        assert odoo.call("res.users", "context_get")["uid"] == (5 if version >= 19 else 6)
        assert odoo.version().startswith(str(version))
        assert odoo.protocol == way


@pytest.mark.parametrize(("version", "way"), DOORS)
def test_a_context_is_of_its_call_alone(version: int, way: str) -> None:
    with a_client(Simulator(version=version), way) as odoo:
        everything = odoo.call("account.move", "search_count", [])
        context = {"allowed_company_ids": [2]}
        second = odoo.call("account.move", "search_count", [], context=context)
        assert 0 < second < everything
        assert odoo.call("account.move", "search_count", []) == everything


@pytest.mark.parametrize(("version", "way"), [d for d in DOORS if d[0] >= 17])
def test_nested_answers_are_checked_too(version: int, way: str) -> None:
    with a_client(Simulator(version=version), way) as odoo:
        found = odoo.call(
            "account.move", "web_search_read", [["id", "=", 1]], specification={"name": {}}
        )
        assert found["length"] == 1
        assert [row["id"] for row in found["records"]] == [1]


ROW = {"account_id": [1, "x"], "__count": 2, "balance": 1.0, "__domain": []}
NEW_ROW = {"account_id": [1, "x"], "__extra_domain": [], "balance:sum": 1.0}
SHAPES: list[tuple[str, dict[str, Any], object, list[object]]] = [
    ("search_count", {}, 0, [True, -1, 1.5, "7", None, [], {}]),
    ("search", {}, [1, 2], [[True], [0], ["1"], {}, 7, None]),
    ("read", {"fields": ["ref"]}, [{"id": 1, "ref": "x"}], [[{"id": 2, "ref": "x"}], {}, 3]),
    (
        "search_read",
        {"fields": ["ref"]},
        [{"id": 1, "ref": "x"}],
        [[{"id": 1}], [{"ref": "x"}], [{"id": 1, "ref": 1}, {"id": 1, "ref": 1}], [7], {}],
    ),
    (
        "fields_get",
        {},
        {"name": {"type": "char"}},
        [{}, [], {"name": "char"}, {"Fault": {}}, {"other": {"type": "char"}}],
    ),
    ("context_get", {}, {"lang": "en_US", "uid": 5}, [{}, {"uid": False}, {"lang": "en_US"}, []]),
    (
        "read_group",
        {"fields": ["balance:sum"], "groupby": ["account_id"]},
        [ROW],
        [[{**ROW, "balance:sum": 1.0} | {"balance": 1.0, "id": 1}, 7], [{}], [NEW_ROW], {}, 7],
    ),
    (
        "formatted_read_group",
        {"aggregates": ["balance:sum"], "groupby": ["account_id"]},
        [NEW_ROW],
        [[ROW], [{}], [None], {}, 7],
    ),
    (
        "web_search_read",
        {"specification": {"name": {}}},
        {"length": 1, "records": [{"id": 1, "name": "x"}]},
        [
            {"length": 0, "records": [{"id": 1, "name": "x"}]},
            {"length": True, "records": []},
            {"length": 1, "records": [{"id": 1}]},
            {"records": []},
            [{"id": 1, "name": "x"}],
        ],
    ),
]


@pytest.mark.parametrize("way", ["json-2", "json-rpc", "session"])
@pytest.mark.parametrize(
    ("method", "named", "sound", "unsound"), SHAPES, ids=[s[0] for s in SHAPES]
)
def test_an_answer_of_another_shape_is_none(
    method: str, named: dict[str, Any], sound: object, unsound: list[object], way: str
) -> None:
    said: list[object] = [None]

    @Request.application
    def application(request: Request) -> Response:
        body: object = said[0]
        if "authenticate" in request.path or '"authenticate"' in request.get_data(as_text=True):
            body = {"result": {"uid": 6} if way == "session" else 6}
        elif way != "json-2":
            body = {"jsonrpc": "2.0", "id": 1, "result": body}
        response = Response(json.dumps(body), content_type="application/json")
        response.set_cookie("session_id", "a-session-of-this-test")
        return response

    with a_client(application, way) as odoo:
        said[0] = sound
        subject: list[Any] = ["name", "Fault"] if method == "fields_get" else [1]
        assert odoo.call("account.move", method, subject, **named) == sound
        for other in unsound:
            said[0] = other
            with pytest.raises(Unavailable, match="Odoo at"):
                odoo.call("account.move", method, subject, **named)
