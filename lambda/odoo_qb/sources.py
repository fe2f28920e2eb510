"""What a mirror reads from: the protocol that every ERP's edge speaks, and its kinds of records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, get_args

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from odoo_qb.exact_json import Json

Kind = Literal["contact", "move", "payment", "order", "account", "transaction"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Written(NamedTuple):
    """A record and when it was last written: the source's own text, UTC, to the second."""

    source_id: int
    written_at: str  # "2026-01-28 10:00:00"; sorts as text


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """What a server says about itself and its user."""

    version: str
    database: str
    user: str
    companies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The records that were asked for by id.

    `records` are the served fields by id: plain JSON, amounts Decimal, None where the source has
    nothing. `faults` says what is wrong with a record that could not be understood. Who is in
    neither was not answered, which alone is no proof that it is gone.
    """

    records: dict[int, Json] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How many records there are, and when the last of them was written ("": there are none).

    A transaction that commits late carries an earlier time than the last one: the time tells that
    nothing was written since, never that everything before it was seen.
    """

    count: int
    last_written_at: str


class Source(Protocol):
    """One connection to an ERP, within the companies it was set up for.

    Every method raises Unavailable when a later try may work and Refused when a person must act.
    """

    @property
    def calls(self) -> int:
        """Requests that were sent, answered or not."""

    def now(self) -> datetime | None:
        """The server's own clock as of its last answer; None if it told none."""

    def test_connection(self) -> ServerInfo:
        """Sign in and say who answers."""

    def summary(self, kind: Kind) -> Summary:
        """The count and the time of the last write in one call, archived records included."""

    def changes(self, kind: Kind, since: str, after: int = 0) -> Iterator[list[Written]]:
        """Records written at or after `since` ("": all) with an id above `after`, by id.

        Archived ones are among them. The window is fixed before the first page, and pages go by
        id: paging by time loses records (a second holds hundreds, and the fraction is not told).
        """

    def ids(self, kind: Kind, low: int = 0, high: int | None = None) -> Iterator[list[int]]:
        """The ids of all records from `low` up to, not including, `high`: pages, ascending."""

    def count(self, kind: Kind, low: int = 0, high: int | None = None) -> int:
        """How many records `ids` would list."""

    def read(self, kind: Kind, ids: Collection[int]) -> Reading:
        """The records of these ids as they are now, a thousand a call."""

    def shown(self, kind: Kind) -> str:
        """What tells whether names have changed that this kind's records show besides contacts'.

        Another text when a company, a journal or a currency was renamed, which touches no record.
        """

    def gone(self, kind: Kind, ids: Collection[int]) -> set[int]:
        """Which of these no longer exist or have left our companies, each asked for by its id.

        Refused where the user may not see one of them: then nothing is known of it.
        """
