"""Read many records at once; if Odoo cannot deliver them, find the ones that cause it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused
from odoo_qb.odoo.answers import MalformedRecords
from odoo_qb.odoo.values import MalformedValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odoo_qb.odoo.values import Record

# These stop the whole run; any other refusal may concern only one record.
_OF_THE_CONNECTION: Final = ("AccessDenied", "AccessError", "OperationalError", "session")
_BLAMED_AT_MOST: Final = 5  # with more, it is not the records that are wrong
_NOT_VALID: Final = "Odoo's record of it is not valid"


def nonsense(damage: Exception) -> str:
    """What is wrong with a record, if that is known."""
    return str(damage) if isinstance(damage, MalformedValueError) else _NOT_VALID


class Picking:
    """Reads a list of ids, then its halves, down to the id that makes the answer fail.

    `blamed` says by id what is wrong. An error in `fatal` is not a record's fault.
    """

    def __init__(self, fatal: Callable[[Refused], bool]) -> None:
        self.blamed: dict[int, str] = {}
        self._fatal = fatal

    def rows(
        self, ids: Sequence[int], ask: Callable[[Sequence[int]], list[Record]]
    ) -> list[Record]:
        """The rows of all ids except blamed ones; raises if too many are blamed."""
        try:
            return ask(ids)
        except Refused as refused:
            if refused.code.endswith(_OF_THE_CONNECTION) or self._fatal(refused):
                raise
            if len(ids) == 1:
                return self._blame(ids[0], str(refused), refused)
        except MalformedRecords as malformed:
            if len(ids) == 1:
                return self._blame(ids[0], _NOT_VALID, malformed)
            malformed.valid()
        half = len(ids) // 2
        return self.rows(ids[:half], ask) + self.rows(ids[half:], ask)

    def _blame(self, number: int, why: str, error: Exception) -> list[Record]:
        if len(self.blamed) >= _BLAMED_AT_MOST:
            raise error
        self.blamed[number] = why
        return []
