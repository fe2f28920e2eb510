"""The records of the sandbox's Salesforce org, and what people do to them."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

type Record = dict[str, Any]

_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECKS: Final = string.ascii_uppercase + "012345"
_SERVER: Final = "gL0"  # the part of an id that says where an org's records were made
_GAP: Final = 37  # other orgs on the same server count with us: ids of one org have gaps
_SYSTEM: Final = {"Id": "id", "IsDeleted": "boolean", "SystemModstamp": "datetime"}
_COMMON: Final = _SYSTEM | {"CreatedDate": "datetime", "LastModifiedDate": "datetime"}
# The objects, how their ids begin, and their fields: a type, or the object that one refers to.
OBJECTS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "Account": (
        "001",
        {
            **dict.fromkeys(("Name", "Phone", "BillingStreet", "BillingCity"), "string"),
            **dict.fromkeys(("BillingPostalCode", "BillingCountry", "Email__c"), "string"),
            "ParentId": "Account",
        },
    ),
    "Opportunity": (
        "006",
        {
            **dict.fromkeys(("Name", "StageName"), "string"),
            "Amount": "currency",
            "AccountId": "Account",
            "CloseDate": "date",
        },
    ),
    "Invoice__c": (
        "a01",
        {
            **dict.fromkeys(("Name", "Status__c", "Currency__c", "Type__c"), "string"),
            **dict.fromkeys(("Total__c", "Tax__c", "Open__c"), "currency"),
            **dict.fromkeys(("Date__c", "Due__c"), "date"),
            "Account__c": "Account",
        },
    ),
    "Payment__c": (
        "a02",
        {
            **dict.fromkeys(("Name", "Method__c"), "string"),
            "Amount__c": "currency",
            "Paid_On__c": "datetime",
            "Account__c": "Account",
            "Invoice__c": "Invoice__c",
        },
    ),
    "Organization": ("00D", {"Name": "string"}),
}
ORG: Final = "Northwind Sales"


class Org:
    """Records by object and id; all of it may be called from any thread.

    `hidden` are the objects, and "Object.Field", that the user may not see.
    """

    def __init__(self, *, clock: Callable[[], datetime], records: bool = True) -> None:
        self.clock = clock
        self.lock = RLock()
        self.hidden: set[str] = set()
        self.objects: dict[str, dict[str, Record]] = {name: {} for name in OBJECTS}
        self._made = dict.fromkeys(OBJECTS, 0)
        self.add("Organization", Name=ORG)
        if records:
            self._fill()

    def fields(self, name: str) -> dict[str, str]:
        """An object's fields and their types."""
        return _COMMON | OBJECTS[name][1]

    def add(self, name: str, *, at: datetime | None = None, **fields: object) -> str:
        """Make a record; its id."""
        with self.lock:
            now = at or self.clock()
            self._made[name] += _GAP
            number = id_of(OBJECTS[name][0], self._made[name])
            row = dict.fromkeys(self.fields(name)) | fields
            times = dict.fromkeys(("SystemModstamp", "CreatedDate", "LastModifiedDate"), now)
            self.objects[name][number] = row | times | {"Id": number, "IsDeleted": False}
            return number

    def change(
        self, name: str, number: str, *, at: datetime | None = None, **fields: object
    ) -> None:
        """Write new values; without any, the write itself shows."""
        with self.lock:
            now = at or self.clock()
            row = self.objects[name][number]
            row.update(fields, SystemModstamp=now, LastModifiedDate=now)

    def delete(self, name: str, number: str) -> None:
        """Put a record into the bin, from which only queryAll answers."""
        self.change(name, number, IsDeleted=True)

    def restore(self, name: str, number: str) -> None:
        """Take a record out of the bin again."""
        self.change(name, number, IsDeleted=False)

    def purge(self, name: str, number: str) -> None:
        """Empty the bin of a record, as Salesforce does after 15 days: nothing answers it then."""
        with self.lock:
            del self.objects[name][number]

    def held(self, name: str) -> list[Record]:
        """The records that are not in the bin."""
        with self.lock:
            return [row for row in self.objects[name].values() if not row["IsDeleted"]]

    def _fill(self) -> None:
        """Two years of a small sales team: customers, their offices, deals, invoices, payments."""
        begin = datetime(2026, 1, 5, 9, tzinfo=UTC)
        accounts: list[str] = []
        for n in range(40):
            at = begin + timedelta(hours=n)
            accounts.append(
                self.add(
                    "Account",
                    at=at,
                    Name=f"Customer {n:02d} & Söhne" if n % 7 == 0 else f"Customer {n:02d}",
                    Phone=f"+1 206 555 01{n:02d}" if n % 3 else None,
                    BillingCity=("Seattle", "Podgorica", "München", None)[n % 4],
                    BillingCountry=("United States", "Montenegro", "Germany", None)[n % 4],
                    Email__c=f"billing{n}@example.com",
                    ParentId=accounts[0] if n and not n % 9 else None,
                )
            )
        for n in range(60):
            at = begin + timedelta(days=n * 3, seconds=n)
            account = accounts[n % len(accounts)]
            self.add(
                "Opportunity",
                at=at,
                Name=f"Deal {n:02d}",
                StageName=("Prospecting", "Closed Won", "Closed Lost")[n % 3],
                Amount=round(1000 + n * 12.35, 2) if n % 9 else None,
                AccountId=account if n % 11 else None,
                CloseDate=f"{at:%Y-%m-%d}",
            )
            invoice = self.add(
                "Invoice__c",
                at=at,
                Name=f"INV-{n:04d}",
                Status__c=("Sent", "Paid", "Draft")[n % 3],
                Type__c=("out_invoice", "out_refund")[not n % 8],
                Currency__c="USD",
                Total__c=round(250 + n * 10.1, 2),
                Tax__c=float(n),
                Open__c=0.0 if n % 3 == 1 else round(250 + n * 10.1, 2),
                Date__c=f"{at:%Y-%m-%d}",
                Due__c=f"{at + timedelta(days=30):%Y-%m-%d}",
                Account__c=account,
            )
            if n % 3 == 1:
                self.add(
                    "Payment__c",
                    at=at + timedelta(hours=3),
                    Name=f"PAY-{n:04d}",
                    Method__c="Wire",
                    Amount__c=round(250 + n * 10.1, 2),
                    Paid_On__c=at + timedelta(hours=3),
                    Account__c=account,
                    Invoice__c=invoice,
                )


def id_of(prefix: str, number: int) -> str:
    """An id of 18 characters: 15 that tell upper from lower case, and 3 that say which are upper.

    https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm
    """
    digits = ""
    for _ in range(9):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    name = f"{prefix}{_SERVER}{digits}"
    checks = ""
    for start in (0, 5, 10):
        bits = sum(1 << n for n, letter in enumerate(name[start : start + 5]) if letter.isupper())
        checks += _CHECKS[bits]
    return name + checks
