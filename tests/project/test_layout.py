"""The house: short modules, short handlers, packages whose face imports nothing."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
HANDLERS: Final = ("extractor", "notifier", "approval_handler", "poster", "intake")
MODULES: Final = [
    str(path.relative_to(PROJECT))
    for root in ("lambda", "sandbox")
    for path in (PROJECT / root).rglob("*.py")
]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_no_more_than_300_lines(module: str) -> None:
    assert len((PROJECT / module).read_text("utf-8").splitlines()) <= 300


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_has_no_more_than_70_lines(handler: str) -> None:
    assert len((PROJECT / "lambda" / f"{handler}.py").read_text("utf-8").splitlines()) <= 70


@pytest.mark.parametrize("package", [m for m in MODULES if m.endswith("__init__.py")])
def test_the_face_of_a_package_is_one_sentence(package: str) -> None:
    """`lambda/pack.py` follows imports: a face that has some drags its package into every zip."""
    body = ast.parse((PROJECT / package).read_text("utf-8")).body
    assert len(body) == 1
    assert ast.get_docstring(ast.Module(body=body, type_ignores=[]))


def test_only_settings_reads_the_functions_environment() -> None:
    readers = [
        module
        for module in MODULES
        if module.startswith("lambda/")
        and "environ" in (PROJECT / module).read_text("utf-8")
        and "os." in (PROJECT / module).read_text("utf-8")
    ]
    assert sorted(readers) == ["lambda/odoo_qb/settings.py", "lambda/pack.py"]


def test_the_sandbox_needs_no_tests() -> None:
    imports = [
        node.module
        for module in MODULES
        for node in ast.walk(ast.parse((PROJECT / module).read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    ]
    assert [m for m in imports if m.split(".")[0] == "tests"] == []


def test_the_version_is_the_changelogs_last_release() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    releases = re.findall(r"(?m)^## \[([0-9.]+)\]", (PROJECT / "CHANGELOG.md").read_text("utf-8"))
    assert releases[0] == version
