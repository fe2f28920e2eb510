"""What the README shows and lists is what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import poster

if TYPE_CHECKING:
    from sandbox.in_process.chain import World

PROJECT: Final = Path(__file__).parents[2]
README: Final = (PROJECT / "README.md").read_text()


def section(heading: str) -> str:
    return re.split(r"^#+ ", README.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[
        0
    ]


def test_the_answer_it_shows_is_the_one_that_comes(world: World) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", section("Calling a function by hand"), re.DOTALL)
    poster.lambda_handler({"action": "sync_reference"}, None)

    answer = world.extract(entry_ids=["odoo-2"], dry_run=True)

    assert json.loads(shown) | {"seconds": 0} == json.loads(json.dumps(answer)) | {"seconds": 0}


def test_every_module_is_listed_once() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", section("The modules"), re.MULTILINE)
    modules = {p.stem for p in (PROJECT / "lambda" / "odoo_qb").glob("*.py")} - {"__init__"}

    assert sorted(listed) == sorted(modules)


def test_every_mail_is_explained() -> None:
    sources = (p.read_text() for p in (PROJECT / "lambda").rglob("*.py"))
    written = r'subject = "([^"]+)"|\.(?:tell|end|publish)\((?:"\w+", )?"([A-Z][^"]+)"'
    subjects = {a or b for text in sources for a, b in re.findall(written, text)}

    assert len(subjects) > 5
    assert {s for s in subjects if f"| {s} |" not in section("What the mails mean")} == set()


def test_every_place_it_points_to_is_there() -> None:
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
    links = re.findall(r"\]\(([^)]+)\)", README)

    assert {link for link in links if link.startswith("#") and link[1:] not in anchors} == set()
    files = {link for link in links if not link.startswith(("#", "https://"))}
    assert {file for file in files if not (PROJECT / file).exists()} == set()
