"""The names of a line's taxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_TAX: Final = "none"  # the name of having no tax, to be mapped like one
_PLUS: Final = " + "


def joined(taxes: Sequence[str]) -> str:
    """Several taxes as one name, which `taxes` of the settings maps; whatever their order."""
    return _PLUS.join(sorted(taxes)) or NO_TAX


def mapped_tax(name: str, mapping: Mapping[str, str]) -> str:
    """The mapping's entry for taxes, in whatever order it names them; "" if there is none."""
    parts = sorted(name.split(_PLUS))
    found = (code for key, code in mapping.items() if sorted(key.split(_PLUS)) == parts)
    return mapping.get(name) or next(found, "")
