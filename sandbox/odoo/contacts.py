"""What people do with contacts in the sandbox's Odoo: enter, rename, archive, merge, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.odoo.records import Records

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.odoo.query import Record

# What PostgreSQL keeps a contact for: a record that refers to it by one of these fields.
_REFERENCES: Final = {
    "account.move": ("partner_id", "commercial_partner_id"),
    "account.move.line": ("partner_id",),
    "account.payment": ("partner_id",),
    "res.company": ("partner_id",),
    "sale.order": ("partner_id", "partner_invoice_id"),
    "sale.order.line": ("order_partner_id",),
}


class Contacts(Records):
    """Contacts; `at` is the start of the transaction that a change is made in."""

    def new_contact(
        self,
        name: str,
        *,
        parent: int | None = None,
        company: int | None = None,
        at: datetime | None = None,
        **fields: object,
    ) -> int:
        """Enter a contact, or with `parent` a person or an address of one."""
        with self.lock:
            values = {
                "name": name or False,
                "active": True,
                "type": "contact",
                "is_company": parent is None,
                "parent_id": parent or False,
                "company_id": company or False,
                "lang": "en_US",
            }
            blank = self.blank("res.partner")
            contact = self.add("res.partner", blank | values | fields, at or self.clock())
            contact["commercial_partner_id"] = self.commercial(parent) if parent else contact["id"]
            if parent:
                owner = self.records["res.partner"][parent]
                owner["child_ids"] = [*owner.get("child_ids", []), contact["id"]]
            return int(contact["id"])

    def amend_contact(self, contact: int, *, at: datetime | None = None, **changes: object) -> None:
        """Write new values; a phone, an e-mail or an address touches nothing but the contact."""
        with self.lock:
            at = at or self.clock()
            if "name" in changes:
                self.rename_contact(contact, str(changes.pop("name")), at=at)
            self.records["res.partner"][contact] |= changes | {"write_date": at}

    def rename_contact(self, contact: int, name: str, *, at: datetime | None = None) -> None:
        """Rename a contact: Odoo writes its addresses and all their documents with it."""
        with self.lock:
            at = at or self.clock()
            partner = self.records["res.partner"][contact]
            partner |= {"name": name, "display_name": name, "write_date": at}
            self.touch("res.partner", self._below(contact), at)
            for move in self.records["account.move"].values():
                if contact in (move["partner_id"], move["commercial_partner_id"]):
                    move["write_date"] = at

    def archive_contact(self, contact: int, *, at: datetime | None = None) -> None:
        """Archive a contact, which searches then leave out; its documents stay its own."""
        self.amend_contact(contact, at=at, active=False)

    def restore_contact(self, contact: int, *, at: datetime | None = None) -> None:
        """Bring an archived contact back."""
        self.amend_contact(contact, at=at, active=True)

    def delete_contact(self, contact: int, *, at: datetime | None = None) -> None:
        """Delete a contact nothing refers to, ValueError else; its addresses become contacts."""
        with self.lock:
            if self.refers_to(contact):
                raise ValueError("another model requires the record being deleted: archive it")
            for number in self._children(contact):
                child = self.records["res.partner"][number]
                child |= {"parent_id": False, "commercial_partner_id": number}
                child["write_date"] = at or self.clock()
            self._gone(contact)

    def refers_to(self, contact: int) -> bool:
        """Whether a document, a payment, an order or a company is this contact's."""
        return any(
            row[field] == contact
            for model, fields in _REFERENCES.items()
            for row in self.records[model].values()
            for field in fields
            if field in row
        )

    def merge_contacts(self, gone: int, into: int, *, at: datetime | None = None) -> None:
        """Merge one contact into another, as Odoo's wizard: past its own ORM, with SQL.

        So no write_date of a document, a payment or an order tells; the contact that stays is
        written, and the other one is deleted.
        """
        with self.lock:
            for model, fields in _REFERENCES.items():
                for row in self.records[model].values():
                    row.update({f: into for f in fields if row.get(f) == gone and f in row})
            for number in self._children(gone):
                child = self.records["res.partner"][number]
                child |= {"parent_id": into, "commercial_partner_id": self.commercial(into)}
            owner = self.records["res.partner"][into]
            owner["child_ids"] = sorted({*owner.get("child_ids", []), *self._children(into)})
            owner["write_date"] = at or self.clock()
            self._gone(gone)

    def rename_vendor(self, vendor: int, name: str, *, at: datetime | None = None) -> None:
        """Rename a vendor: Odoo writes all of its bills in the same transaction."""
        self.rename_contact(vendor, name, at=at)

    def merge_vendors(self, gone: int, into: int) -> None:
        """Merge one vendor into another: the bills change hands and no write_date tells."""
        self.merge_contacts(gone, into)

    def _children(self, contact: int) -> list[int]:
        rows = self.records["res.partner"].values()
        return [row["id"] for row in rows if row["parent_id"] == contact]

    def _below(self, contact: int) -> list[int]:
        """The addresses whose stored full name holds this contact's."""
        found = self._children(contact)
        for number in list(found):
            found += self._below(number)
        return found

    def _gone(self, contact: int) -> None:
        record: Record = self.records["res.partner"].pop(contact)
        parent = self.records["res.partner"].get(record["parent_id"] or 0)
        if parent:
            parent["child_ids"] = [i for i in parent.get("child_ids", []) if i != contact]
