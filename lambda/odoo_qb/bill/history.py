"""A bill's history as a chain: each entry has the hash of the one before it. No I/O.

An item's size is limited, so the history's is too: repetitions become one entry with a count, and
the oldest entries of a long chain become a summary. The chain continues from the hash of the last
of them, and the entry written with the summary has the summary's own hash.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from odoo_qb.exact_json import Json

ENTRIES: Final = 100  # beyond this, or this many bytes, the oldest are summarised
BYTES: Final = 40_000
_KEPT_ENTRIES: Final = 50
_KEPT_BYTES: Final = 20_000
_BEGUN: Final = ("APPROVED", "POSTING")
_ACTORS: Final = 20  # named in a summary
_OTHERS: Final = "others"


def history_entry(
    history: Sequence[Json],
    now: datetime,
    actor: str,
    before: str,
    after: str,
    digest: str,
    note: str = "",
) -> Json:
    """The next entry of a bill's history; `prev` is the hash of the entry before."""
    entry = {"at": stamp(now), "actor": actor, "from": before, "to": after, "digest": digest}
    if note:
        entry["note"] = note
    return {**entry, "prev": _link(history[-1]) if history else ""}


def continued(
    history: Sequence[Json],
    now: datetime,
    actor: str,
    before: str,
    after: str,
    digest: str,
    note: str = "",
) -> list[Json]:
    """The history with its next entry, within its limit."""
    folded = _folded(history, actor, before, after)
    kept = _summarised(folded)
    entry = history_entry(kept, now, actor, before, after, digest, note)
    if kept is not folded:
        entry["summary"] = _hash(kept[0])
    return [*kept, entry]


def verify_history(history: Sequence[Json]) -> bool:
    """Whether no entry was changed, removed from the middle or inserted later."""
    if history and is_summary(history[0]):
        hashes = [entry["summary"] for entry in history if "summary" in entry]
        if not hashes or hashes[-1] != _hash(history[0]):
            return False
    return all(later["prev"] == _link(earlier) for earlier, later in pairwise(history))


def is_summary(entry: Json) -> bool:
    """Whether an entry stands for the oldest ones of a long history."""
    return "entries" in entry


def summarised_in(history: Sequence[Json]) -> int:
    """How many older entries the first one of a history stands for."""
    return int(history[0]["entries"]) if history and is_summary(history[0]) else 0


def _folded(history: Sequence[Json], actor: str, before: str, after: str) -> list[Json]:
    """The history, ready for another posting attempt, with earlier attempts folded into one entry.

    An attempt that returned to approved has two entries. They become one, together with earlier
    ones for the same reason: a bill tried once an hour for a month says so once. What people do is
    never folded.
    """
    if (before, after) != _BEGUN or len(history) <= 2:  # noqa: PLR2004 - the two, and any before
        return list(history)
    *rest, out, back = history
    is_round = [(e["from"], e["to"]) for e in (out, back)] == [_BEGUN, _BEGUN[::-1]]
    if not is_round or {(e["actor"], e["digest"]) for e in (out, back)} != {(actor, out["digest"])}:
        return list(history)
    last, times, since = rest[-1], 1, out["at"]
    same = ("actor", "to", "digest", "note")
    if "times" in last and all(last.get(k) == back.get(k) for k in same):
        times, since = int(last["times"]) + 1, last["since"]
        rest = rest[:-1]
    entry = {**back, "from": before, "times": str(times), "since": since}
    hashes = [e["summary"] for e in (last, out, back) if "summary" in e]
    if hashes:
        entry["summary"] = hashes[-1]
    return [*rest, {**entry, "prev": _link(rest[-1]) if rest else ""}]


def _summarised(history: list[Json]) -> list[Json]:
    """The history, with its oldest entries summarised if it is long."""
    sizes = [len(_text(entry).encode()) for entry in history]
    if len(history) < ENTRIES and sum(sizes) < BYTES:
        return history
    start = max(1, len(history) - _KEPT_ENTRIES)
    while start < len(history) - 1 and sum(sizes[start:]) > _KEPT_BYTES:
        start += 1
    return [_summary(history[:start]), *history[start:]]


def _summary(entries: Sequence[Json]) -> Json:
    """The summary of the oldest entries; numbers are text, so that every reader reads the same."""
    first, last = entries[0], entries[-1]
    actors: Counter[str] = Counter()
    count = 0
    for entry in entries:
        count += int(entry.get("entries", 1))
        found = entry.get("actors") or {entry["actor"]: entry.get("times", "1")}
        actors.update({name: int(n) for name, n in found.items()})
    named = dict(actors.most_common(_ACTORS))
    others = actors.total() - sum(named.values())
    if others:
        named[_OTHERS] = named.get(_OTHERS, 0) + others
    return {
        "at": last["at"],
        "since": first.get("since", first["at"]),
        "actor": "summary",
        "from": "",
        "to": last["to"],
        "digest": last["digest"],
        "entries": str(count),
        "actors": {name: str(n) for name, n in named.items()},
        "sent_at": max((sent_at(entry) for entry in entries), default=""),
        "chain": _link(last),
        "prev": "",
    }


def sent_at(entry: Json) -> str:
    """When a person sent the bill to be posted, by this entry or one it stands for; or ""."""
    if is_summary(entry):
        return str(entry["sent_at"])
    is_sent = entry["to"] == "APPROVED" and entry["from"] not in {"POSTING", "APPROVED"}
    return str(entry["at"]) if is_sent else ""


def _link(entry: Json) -> str:
    """The hash by which the next entry refers to this one."""
    return str(entry["chain"]) if is_summary(entry) else _hash(entry)


def _text(entry: Json) -> str:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _hash(entry: Json) -> str:
    return hashlib.sha256(_text(entry).encode()).hexdigest()
