"""What bookkeepers do to lists in QuickBooks: records made inactive, active again, or merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.quickbooks.store import Json, Realm

type Entity = Literal["Vendor", "Account", "TaxCode"]
_NAMES: Final[tuple[str, ...]] = ("DisplayName", "Name", "FullyQualifiedName")
DELETED: Final = " (deleted)"


def deactivate(realm: Realm, entity: Entity, key: str, now: datetime, *, marked: bool) -> None:
    """Make a record inactive, which is all that deleting it does; `marked`: its name says so."""
    record = realm.table(entity)[key]
    names = {n: f"{record[n]}{DELETED}" for n in _NAMES if marked and n in record}
    realm.change(entity, {**record, **names, "Active": False}, now)


def activate(realm: Realm, entity: Entity, key: str, now: datetime) -> None:
    """Make a record active again under the name it had."""
    record = realm.table(entity)[key]
    names = {n: str(record[n]).removesuffix(DELETED) for n in _NAMES if n in record}
    realm.change(entity, {**record, **names, "Active": True}, now)


def merge(
    realm: Realm,
    entity: Literal["Vendor", "Account"],
    gone: str,
    into: str,
    now: datetime,
    *,
    stays: bool,
) -> None:
    """Merge a vendor or account into another: all documents refer to the other from now on.

    The record `stays` as an inactive one, or is gone: which of it, Intuit does not say.
    """
    for kind in ("Bill", "VendorCredit"):
        for document in list(realm.table(kind).values()):
            moved = _moved(entity, document, gone, into)
            if moved:
                kept = realm.moved.get(document["Id"], {})
                realm.moved[document["Id"]] = dict.fromkeys(moved, gone) | kept
                realm.change(kind, document, now)
    if stays:
        deactivate(realm, entity, gone, now, marked=True)
    else:
        record = realm.table(entity).pop(gone)
        realm.merged[gone] = next(record[n] for n in _NAMES if n in record)


def as_booked(realm: Realm, document: Json) -> Json:
    """A document with the vendor and accounts it was booked under, whatever was merged since."""
    booked, moved = dict(document), realm.moved.get(document["Id"], {})
    if "VendorRef" in moved:
        booked["VendorRef"] = {"value": moved["VendorRef"]}
    booked["Line"] = [
        _on(line, moved[str(place)]) if str(place) in moved else line
        for place, line in enumerate(document["Line"])
    ]
    return booked


def _moved(entity: str, document: Json, gone: str, into: str) -> list[str]:
    """Let a document refer to the other record; where it did not before."""
    if entity == "Vendor":
        if document["VendorRef"]["value"] != gone:
            return []
        document["VendorRef"] = {"value": into}
        return ["VendorRef"]
    places = [
        n
        for n, line in enumerate(document["Line"])
        if line["AccountBasedExpenseLineDetail"]["AccountRef"]["value"] == gone
    ]
    lines = [_on(x, into) if n in places else x for n, x in enumerate(document["Line"])]
    document["Line"] = lines
    return [str(n) for n in places]


def _on(line: Json, account: str) -> Json:
    """A line on that account."""
    detail = line["AccountBasedExpenseLineDetail"] | {"AccountRef": {"value": account}}
    return {**line, "AccountBasedExpenseLineDetail": detail}
