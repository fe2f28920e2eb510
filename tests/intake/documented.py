"""The state that docs/intake.md adds to the definition."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.intake.stand import DEFINITION
from tests.project.test_readme import DOCUMENTS, blocks, section

DOCUMENT: Final = DOCUMENTS["docs/intake.md"]

Json = dict[str, Any]


def with_the_state() -> Json:
    """The definition with that state, as the document says to add it."""
    definition: Json = json.loads(DEFINITION)
    definition["States"] |= json.loads(blocks(section(DOCUMENT, "Adding a state"), "json")[0])
    definition["States"]["IsValid"]["Choices"][0]["Next"] = "IsLarge"
    return definition
