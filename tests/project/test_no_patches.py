"""No test replaces a part of the product: what a test must vary is a parameter of the code."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT: Final = next(p for p in Path(__file__).parents if (p / "pyproject.toml").exists())
HANDLERS: Final = frozenset(p.stem for p in (PROJECT / "lambda").glob("*.py"))
PRODUCT: Final = HANDLERS | {"odoo_qb"}
_SETTERS: Final = frozenset({"setattr", "delattr", "setitem", "delitem", "patch", "object", "dict"})


def of_product(dotted: str) -> bool:
    return dotted.partition(".")[0] in PRODUCT


def imported(tree: ast.AST) -> set[str]:
    """The names by which a module knows parts of the product."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names |= {
                    (a.asname or a.name).partition(".")[0] for a in aliases if of_product(a.name)
                }
            case ast.ImportFrom(module=str(module), names=aliases) if of_product(module):
                names |= {a.asname or a.name for a in aliases}
    return names


def root(node: ast.AST) -> str:
    """`a` of `a.b["c"].d`, "" where an expression begins otherwise."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def is_private(node: ast.AST) -> bool:
    """Whether it reaches into another object, as in `desk._client` or `slack.__dict__`."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            return not (isinstance(node.value, ast.Name) and node.value.id == "self")
        node = node.value
    return False


def patched(tree: ast.AST) -> Iterator[ast.expr]:
    """What a module replaces: by a call such as `monkeypatch.setattr(…)`, or by an assignment."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[what, *_]) if (
                name in _SETTERS
            ):
                yield what
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                yield from (t for t in targets if isinstance(t, ast.Attribute | ast.Subscript))
            case ast.AugAssign(target=ast.Attribute() | ast.Subscript() as target):
                yield target


def patches(source: str, *, of_any_object: bool = True) -> list[int]:
    """The lines on which a module replaces a part of the product, or what any object hides."""
    tree = ast.parse(source)
    names = imported(tree)
    return [
        node.lineno
        for node in patched(tree)
        if root(node) in names
        or (isinstance(node, ast.Constant) and of_product(str(node.value)))
        or (of_any_object and is_private(node))
    ]


@pytest.mark.parametrize(
    "line",
    [
        "monkeypatch.setattr(odoo_changes, 'WATCHED_AT_ONCE', 2)",
        "monkeypatch.setattr(extractor.wired, 'sleep', print)",
        "monkeypatch.setattr('odoo_qb.extraction.odoo_changes.WATCHED_AT_ONCE', 2)",
        "monkeypatch.delattr(odoo_changes, 'clock_of')",
        "monkeypatch.setitem(odoo_changes.LIMITS, 'ids', 2)",
        "monkeypatch.setattr(desk.table._client, 'get_item', print)",
        "setattr(odoo_changes, 'WATCHED_AT_ONCE', 2)",
        "with mock.patch('extractor.wired'): pass",
        "with mock.patch.object(odoo_changes, 'clock_of'): pass",
        "extractor.wired.sleep = print",
        "odoo_changes.WATCHED_AT_ONCE += 1",
        "del odoo_changes.WATCHED_AT_ONCE",
        "world.slack.__dict__['_respond'] = print",
        "world.slack._respond = print",
        "self.client._sleep = print",
    ],
)
def test_a_patch_is_found_in_every_form(line: str) -> None:
    imports = "import extractor\nfrom odoo_qb.extraction import odoo_changes\n"
    assert patches(imports + line) == [3]


@pytest.mark.parametrize(
    "line",
    [
        "monkeypatch.setattr(boto3.Session, 'client', print)",
        "monkeypatch.setenv('S3_BUCKET', 'documents')",
        "extractor.wired.use(sleep=print)",
        "world.aws.performs = print",
        "self._count = 1",
    ],
)
def test_what_replaces_no_part_of_the_product_is_allowed(line: str) -> None:
    assert patches("import extractor\n" + line) == []


# The sandbox adds to the emulator what that lacks, and has to reach into it.
@pytest.mark.parametrize(("folder", "of_any_object"), [("tests", True), ("sandbox", False)])
def test_nothing_of_the_product_is_patched(folder: str, *, of_any_object: bool) -> None:
    modules = [*(PROJECT / folder).rglob("*.py")]
    assert len(modules) > 80
    found = {
        f"{module.relative_to(PROJECT)}:{line}"
        for module in modules
        for line in patches(module.read_text("utf-8"), of_any_object=of_any_object)
    }
    assert found == set()
