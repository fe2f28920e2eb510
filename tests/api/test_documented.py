"""What docs/api.md shows: its programs run, its tables say what openapi.json says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.api.contract import load_contract
from sandbox.http_server import serve
from sandbox.in_process.api import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.in_process.api import ApiDesk

DOCUMENT: Final = (Path(__file__).parents[2] / "docs/api.md").read_text("utf-8")
PATHS: Final[dict[str, Any]] = load_contract().document["paths"]
RESOLVED: Final = load_contract().resolved(load_contract().document)["paths"]
LISTS: Final = {
    "contacts": "/contacts", "invoices": "/invoices", "payments": "/api/erp/payments",
    "orders": "/api/erp/orders", "accounts": "/api/erp/accounts",
    "transactions": "/api/erp/transactions",
}  # fmt: skip
SILENT: Final = ("/sign-in", "/sign-out", "/assets/")  # what browsers need


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


def table(first: str) -> list[list[str]]:
    """The rows of the table whose first heading is this."""
    (found,) = re.findall(
        rf"^\| {first} \|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", DOCUMENT, re.MULTILINE
    )
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in found.splitlines()]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture
def environment(api: ApiDesk) -> Iterator[dict[str, str]]:
    """What a client is given: the address of the API, and its token."""
    with serve(api) as server:
        yield {"PATH": os.environ["PATH"], "ADDRESS": server.url, "TOKEN": TOKEN}


@pytest.mark.parametrize("script", blocks("sh"))
def test_every_command_it_shows_works(script: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("curl ", "curl --no-progress-meter ")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = re.split(r"(?<=\])(?=\[)", done.stdout)
    assert all(json.loads(answer) for answer in answers)


def test_its_program_reads_every_record(api: ApiDesk, environment: dict[str, str]) -> None:
    (program,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", program.replace('"limit": 1000', '"limit": 7')],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    contacts = sum(row["active"] for row in api.desk.stored("contact").values())
    invoices = sum(
        (row["move_type"], row["state"]) == ("out_invoice", "posted")
        for row in api.desk.stored("move").values()
    )
    assert len(done.stdout.splitlines()) == contacts + invoices
    assert "Northwind Supply Co" in done.stdout


def test_it_lists_every_route() -> None:
    listed = {route for row in table("Route") for route in code(row[0])}
    there = {
        f"{method.upper()} {path}"
        for path, methods in PATHS.items()
        for method in methods
        if not path.startswith(SILENT)
    }
    assert listed == there


def test_it_lists_every_parameter_of_every_list() -> None:
    listed: dict[str, set[str]] = {name: {"fields"} for name in ("contacts", "invoices", "orders")}
    for parameters, of, _ in table("Parameter"):
        names = LISTS if of == "all" else of.split(", ")
        for name in names:
            listed.setdefault(name, set()).update(p.partition("=")[0] for p in code(parameters))
    there = {
        name: {parameter["name"] for parameter in RESOLVED[path]["get"]["parameters"]}
        for name, path in LISTS.items()
    }
    assert listed == there


def test_the_fields_it_lists_are_those_that_come(api: ApiDesk) -> None:
    for record, fields in table("Record"):
        assert list(api.get(f"/{record}s?limit=1").json[0]) == code(fields)


def test_every_status_is_in_its_table() -> None:
    listed = {int(row[0]) for row in table("Status")}
    documented = {
        int(status)
        for methods in PATHS.values()
        for operation in methods.values()
        for status in operation["responses"]
        if status != "default" and int(status) >= 400
    }
    assert documented | {405, 500} == listed


def test_the_error_it_shows_is_the_one_that_comes(api: ApiDesk) -> None:
    (shown,) = [block for block in blocks("json") if "status" in block]
    assert json.loads(shown) == api.get("/contacts?limit=0").json


def test_the_headers_it_names_come(api: ApiDesk) -> None:
    headers = api.get("/contacts?limit=1").headers
    for name in ("X-Mirror-Age", "X-Mirror-State", "X-Total-Count", "X-Next-Cursor"):
        assert name.lower() in headers
        assert f"`{name}`" in DOCUMENT
