"""How far the mirror of a kind has come, as the table keeps it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from odoo_qb.store.mirror_table import MirrorTable

CLOCKS: Final = timedelta(seconds=30)  # between a server's clock and its database's
LOOK_BACK: Final = timedelta(minutes=15)  # Odoo ends a request after two, a cron job after 15
_TEXT: Final = "%Y-%m-%d %H:%M:%S"
RECENT_MOST: Final = 20_000  # records remembered with their times: some 200 kB of an item's 400


@dataclass(slots=True, kw_only=True)
class State:
    """Where the next run goes on.

    `since` is the source's clock at the start of the last complete run ("" before the first load
    is complete). While everything is read, `reading` is the clock at the start of that and `after`
    the last id that was dealt with. `ahead` is by how many seconds that clock was before ours, and
    `shown` what tells whether names that records show (a company's, a journal's) have changed.
    `reread` are notes of records to read again whatever their times say, `unreadable` those that
    could not be understood, `writing` the partitions that a crash left uncounted, and
    `compared_on` the day on which the ids were last compared. `doubted` says that there was no
    telling whether some records are deleted or hidden: what is hidden may change unseen. `loading`
    is the source's clock at the very beginning of the first load, while it lasts, `gone_up_to` the
    largest id that was ever removed, `layout` the version of the items' attributes that every
    stored record has, and `oldest` the first month in which any was written.
    """

    since: str = ""
    reading: str = ""
    after: int = 0
    ahead: int = 0
    shown: str = ""
    reread: dict[str, set[int]] = field(default_factory=dict)
    unreadable: set[int] = field(default_factory=set)
    writing: list[int] = field(default_factory=list)
    compared_on: str = ""
    doubted: bool = False
    loading: str = ""
    gone_up_to: int = 0
    layout: int = 0
    oldest: str = ""

    @property
    def is_reading_all(self) -> bool:
        """Whether every record is to be read: the first time, or because somebody asked for it."""
        return not self.since or bool(self.reading)


def load_state(table: MirrorTable) -> State:
    """The state of a kind; a new one where there is none."""
    rows = table.state()
    item = rows.pop(keys.STATE, {})
    return State(
        since=str(item.get("since", "")),
        reading=str(item.get("reading", "")),
        after=int(item.get("after", 0)),
        ahead=int(item.get("ahead", 0)),
        shown=str(item.get("shown", "")),
        reread={note: {int(i) for i in row.get("ids", ())} for note, row in rows.items()},
        unreadable={int(i) for i in item.get("unreadable", ())},
        writing=[int(n) for n in item.get("writing", ())],
        compared_on=str(item.get("compared_on", "")),
        doubted=bool(item.get("doubted")),
        loading=str(item.get("loading", "")),
        gone_up_to=int(item.get("gone_up_to", 0)),
        layout=int(item.get("layout", 0)),
        oldest=str(item.get("oldest", "")),
    )


@dataclass(slots=True, kw_only=True)
class Recent:
    """The records written within the look-back, as they were last read.

    `times` is id to time of writing. `fresh` are those read within the second they were written
    in: they may have been written once more in it, and are read again.
    """

    times: dict[int, str] = field(default_factory=dict)
    fresh: set[int] = field(default_factory=set)

    def as_item(self) -> Json:
        """As the table keeps it: ids by time, for thousands often share a second."""
        by_time: dict[str, list[int]] = {}
        for source_id, time in sorted(self.times.items(), key=lambda row: row[::-1]):
            by_time.setdefault(time, []).append(source_id)
        times = json.dumps(by_time, separators=(",", ":"))
        return {"times": times, "fresh": sorted(self.fresh)}

    def cut(self) -> None:
        """Forget the oldest if there are too many; they are compared with the table instead."""
        if len(self.times) > RECENT_MOST:
            newest = sorted(self.times, key=lambda i: self.times[i])[-RECENT_MOST:]
            self.times = {i: self.times[i] for i in newest}


def load_recent(table: MirrorTable) -> Recent:
    """The records written lately; none where nothing is known, or where it makes no sense."""
    item = table.own(keys.RECENT)
    try:
        by_time = json.loads(item.get("times", "{}"))
        times = {int(i): str(time) for time, ids in by_time.items() for i in ids}
    except (ValueError, TypeError, AttributeError):
        return Recent()
    return Recent(times=times, fresh={int(i) for i in item.get("fresh", ())})


def text_of(instant: datetime) -> str:
    """An instant as sources write it."""
    return instant.astimezone(UTC).strftime(_TEXT)


def earlier(text: str, by: timedelta) -> str:
    """An earlier instant, both as sources write them."""
    return later(text, -by)


def later(text: str, by: timedelta) -> str:
    """A later instant, both as sources write them."""
    return text_of(datetime.strptime(text, _TEXT).replace(tzinfo=UTC) + by)
