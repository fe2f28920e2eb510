"""DynamoDB's request units of a call, computed from what the call reads and writes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WRITE_BYTES: Final = 1024  # of one write request unit
READ_BYTES: Final = 4096  # of one read request unit, read consistently
# The table's indexes project keys only: an entry is the index's own keys and the table's.
INDEXES: Final = (("status", "updated_at"), ("company", "status"))
KEY: Final = "entry_id"

Typed = dict[str, Any]


def size_of(item: Mapping[str, Typed]) -> int:
    """Bytes of an item as DynamoDB counts them; attributes as the wire has them."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def write_units(before: Mapping[str, Typed] | None, after: Mapping[str, Typed] | None) -> int:
    """Units of a write that made `after` of `before`; either may be missing.

    The larger of both counts, and in each index the entry that goes and the one that comes.
    """
    size = max(size_of(before or {}), size_of(after or {}))
    return max(1, ceil(size / WRITE_BYTES)) + sum(_index_units(before, after, i) for i in INDEXES)


def read_units(sizes: Iterable[int], *, consistent: bool) -> float:
    """Units of reading items one by one; what does not exist costs the least there is."""
    units = sum(max(1, ceil(size / READ_BYTES)) for size in sizes)
    return units if consistent else units / 2


def query_units(entries: Iterable[Mapping[str, Typed]]) -> float:
    """Units of a query of an index, which is read as it happens to be: half of its bytes."""
    return max(1, ceil(sum(map(size_of, entries)) / READ_BYTES)) / 2


def _index_units(
    before: Mapping[str, Typed] | None, after: Mapping[str, Typed] | None, keys: tuple[str, ...]
) -> int:
    was, now = _entry(before, keys), _entry(after, keys)
    return 0 if was == now else (was is not None) + (now is not None)


def _entry(item: Mapping[str, Typed] | None, keys: tuple[str, ...]) -> list[Typed] | None:
    """What an index has of an item; None when it is not in it. Never more than a unit."""
    if not item or not all(key in item for key in keys):
        return None
    return [item[key] for key in (*keys, KEY)]


def _value_size(value: Typed) -> int:
    [(kind, held)] = value.items()
    match kind:
        case "S":
            size = len(held.encode())
        case "N":
            size = _number_size(held)
        case "B":
            size = len(held)
        case "SS" | "NS" | "BS":
            size = sum(_value_size({kind[0]: one}) for one in held)
        case "L":
            size = 3 + sum(1 + _value_size(one) for one in held)
        case "M":
            size = 3 + sum(1 + len(n.encode()) + _value_size(one) for n, one in held.items())
        case _:
            size = 1  # a Boolean or null
    return size


def _number_size(text: str) -> int:
    """About a byte for two significant digits, one more, and one for a minus."""
    number = Decimal(text).normalize().as_tuple()
    return ceil(len(number.digits) / 2) + 1 + number.sign
