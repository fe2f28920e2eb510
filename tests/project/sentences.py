"""Every sentence a person can meet from the functions, in one table to read from top to bottom.

`python -m tests.project.sentences` prints it, with {…} for what is filled in.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT: Final = next(p for p in Path(__file__).parents if (p / "pyproject.toml").exists())
LAMBDA: Final = PROJECT / "lambda"
FILLED_IN: Final = "{…}"
ERRORS: Final = frozenset(
    {
        *("BadSignature", "Conflict", "Disconnected", "Misconfigured", "Refused", "Throttled"),
        *("Altered", "ExtractionFailed", "Unavailable"),
    }
)
_BUILD: Final = frozenset({"pack.py"})  # run by a developer
# What has spaces and is for a machine: a condition, a query, a pattern, a header.
_CODE: Final = re.compile(
    r"[:#]\w+ ?(=|<|AND|OR)|= ?[:#]\w|attribute_|\bselect \*|\bIN \(|startposition|\bADD \w|REMOVE"
    r"|SET |\\[bdsSwx]|^%|%[HYM]|<!date|^\w+, \w+$|^\W*$|inline;|\[\w+\]|[|].*[|]|^Bearer"
)
_PROSE: Final = re.compile(r"[A-Za-z']+[,:;]? [A-Za-z(*\"']|\w \{…\}|\{…\} \w")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Text:
    """A text of the code, and where it stands; `of_error` where an error is raised with it."""

    place: str
    line: int
    words: str
    of_error: bool = False


def texts() -> list[Text]:
    """All of them, by file and line."""
    paths = (p for p in LAMBDA.rglob("*.py") if p.name not in _BUILD)
    return sorted(text for path in paths for text in _of_file(path))


def _of_file(path: Path) -> Iterator[Text]:
    tree = ast.parse(path.read_text("utf-8"))
    inner = {id(part) for whole in _unread(tree) for part in ast.walk(whole)}
    errors = {id(text) for call in _errors(tree) for text in call}
    place = str(path.relative_to(LAMBDA)).removeprefix("odoo_qb/")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant | ast.JoinedStr) or id(node) in inner:
            continue
        words, of_error = words_of(node), id(node) in errors
        if of_error or (_PROSE.search(words) and not _CODE.search(words)):
            yield Text(place=place, line=node.lineno, words=words, of_error=of_error)
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values if isinstance(part, ast.Constant)}


def words_of(node: ast.AST) -> str:
    """A text with {…} for what is filled in; "" where the node is none."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(words_of, node.values))
    if isinstance(node, ast.FormattedValue):
        return FILLED_IN
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _unread(tree: ast.AST) -> Iterator[ast.AST]:
    """What nobody meets in Slack or a mail: docstrings, types, and the names of log events."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                yield node
            case ast.Call(func=ast.Attribute(value=ast.Name(id="logger" | "re"))):
                yield node
            case ast.Call(func=ast.Name(id="cast"), args=[kind, *_]):
                yield kind
            case ast.JoinedStr(values=values):
                formats = (v.format_spec for v in values if isinstance(v, ast.FormattedValue))
                yield from filter(None, formats)
            case ast.AnnAssign(annotation=kind) | ast.arg(annotation=kind) if kind:
                yield kind


def _errors(tree: ast.AST) -> Iterator[list[ast.expr]]:
    """What errors are raised with: the reason, and the remedy."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=given, keywords=named) if name in ERRORS:
                remedies = [k.value for k in named if k.arg == "remedy"]
                yield [text for text in (*given[:1], *remedies) if words_of(text)]


def main() -> None:
    """Print the table."""
    place = ""
    for text in texts():
        if text.place != place:
            place = text.place
            print(f"\n{place}")  # noqa: T201 - this is what it is for
        print(f"{text.line:5}  {text.words}")  # noqa: T201 - see above


if __name__ == "__main__":
    main()
