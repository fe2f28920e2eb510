"""The names of a line's taxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_TAX: Final = "none"  # stands for no tax, and can be mapped like a tax
_PLUS: Final = " + "


def joined(taxes: Sequence[str]) -> str:
    """Several taxes as one name, as `taxes` in the settings maps it; in any order."""
    return _PLUS.join(sorted(taxes)) or NO_TAX


def mapped_tax(name: str, mapping: Mapping[str, str]) -> str:
    """The mapping's entry for taxes, which may name them in any order; "" if there is none."""
    parts = sorted(name.split(_PLUS))
    found = (code for key, code in mapping.items() if sorted(key.split(_PLUS)) == parts)
    return mapping.get(name) or next(found, "")
