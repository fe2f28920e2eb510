"""Random but realistic changes to the sandbox's Odoo, the same for the same seed.

For soak tests and the demo: contacts, documents, payments, orders and accounts are entered,
amended, moved on, merged, archived and deleted, as people do it and only where Odoo allows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sandbox.odoo.money_changes import MoneyChanges

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.odoo.query import Record

_NAMES: Final = ("Harbor", "Café Zürich", "O'Neill & Sons", "Северная торговля", "Müller <GmbH>")
_TRIES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was done ("cancel_payment") to which record; a deleted record's id is gone."""

    action: str
    model: str
    record: int


class Changes(MoneyChanges):
    """Makes changes to an Odoo, one after the other, each in a transaction of its own."""

    def make(self, count: int) -> list[Change]:
        """Make this many changes."""
        return [self.one() for _ in range(count)]

    def one(self, *actions: str) -> Change:
        """Make one change, of any kind or one of these; LookupError if none can be made."""
        with self.odoo.lock:
            for _ in range(_TRIES):
                action = self.random.choice(actions or tuple(ACTIONS))
                model, act = ACTIONS[action]
                record = act(self)
                if record is not None:
                    return Change(action=action, model=model, record=record)
        raise LookupError(f"no record to change by {actions or 'anything'}")

    # -- contacts ------------------------------------------------------------------------------

    def new_contact(self) -> int | None:
        """A company, now and then of one of ours only."""
        name = f"{self.random.choice(_NAMES)} {self.random.randrange(1000)}"
        company = self._company() if self.random.random() < 0.1 else None  # noqa: PLR2004 - one in ten
        email = f"office{self.random.randrange(1000)}@example.com"
        return self.odoo.new_contact(name, company=company, email=email)

    def new_address(self) -> int | None:
        """An address of a company, some without a name."""
        parent = self._pick("res.partner", lambda row: bool(row["is_company"]))
        name = self.random.choice(["", "Warehouse", "Accounts payable"])
        return parent and self.odoo.new_contact(name, parent=parent, type="invoice")

    def amend_contact(self) -> int | None:
        """Another telephone and e-mail, which touch nothing else."""
        contact = self._pick("res.partner")
        if contact:
            phone = f"+1 555 {self.random.randrange(10**7):07}"
            self.odoo.amend_contact(contact, phone=phone, email=f"new.{phone[-4:]}@example.com")
        return contact

    def rename_contact(self) -> int | None:
        """Another name, which touches all of the contact's documents."""
        contact = self._other_contact()
        if contact:
            name = f"{self.random.choice(_NAMES)} {self.random.randrange(1000)}"
            self.odoo.rename_contact(contact, name)
        return contact

    def archive_contact(self) -> int | None:
        """A contact nobody will need again, as they think."""
        contact = self._other_contact(lambda row: bool(row["active"]))
        if contact:
            self.odoo.archive_contact(contact)
        return contact

    def restore_contact(self) -> int | None:
        """An archived contact comes back."""
        contact = self._other_contact(lambda row: row["active"] is False)
        if contact:
            self.odoo.restore_contact(contact)
        return contact

    def delete_contact(self) -> int | None:
        """One that nothing refers to."""
        contact = self._other_contact(lambda row: not self.odoo.refers_to(row["id"]))
        if contact:
            self.odoo.delete_contact(contact)
        return contact

    def merge_contacts(self) -> int | None:
        """Two companies that are one; the record is the one that is gone."""
        into = self._other_contact(lambda row: not row["parent_id"])
        gone = self._other_contact(lambda row: not row["parent_id"] and row["id"] != into)
        if not (into and gone):
            return None
        self.odoo.merge_contacts(gone, into)
        return gone

    def _other_contact(self, test: Callable[[Record], bool] = lambda _: True) -> int | None:
        owners = self._owners()
        return self._pick("res.partner", lambda row: row["id"] not in owners and test(row))

    # -- orders --------------------------------------------------------------------------------

    def new_order(self) -> int | None:
        """A quotation."""
        company = self._company()
        return self.odoo.new_order(self._partner(company), self._order_lines(), company=company)

    def amend_order(self) -> int | None:
        """Another reference of the customer's; a quotation gets other lines as well."""
        order = self._order("draft", "sent", "sale")
        if order:
            is_quotation = self.odoo.records["sale.order"][order]["state"] != "sale"
            lines = self._order_lines() if is_quotation else None
            self.odoo.amend_order(order, lines=lines, client_order_ref=self._text())
        return order

    def send_order(self) -> int | None:
        """A quotation goes to the customer."""
        return self._to_order(("draft",), self.odoo.send_order)

    def confirm_order(self) -> int | None:
        """A quotation becomes an order."""
        return self._to_order(("draft", "sent"), self.odoo.confirm_order)

    def cancel_order(self) -> int | None:
        """A quotation or an order."""
        return self._to_order(("draft", "sent", "sale"), self.odoo.cancel_order)

    def delete_order(self) -> int | None:
        """A quotation that was not sent, or a cancelled order."""
        return self._to_order(("draft", "cancel"), self.odoo.delete_order)

    def _to_order(self, states: tuple[str, ...], act: Callable[[int], None]) -> int | None:
        order = self._order(*states)
        if order:
            act(order)
        return order

    # -- the chart and its entries -------------------------------------------------------------

    def new_account(self) -> int | None:
        """An expense account of one company."""
        code = f"69{self.random.randrange(10**4):04}"
        return self.odoo.new_account(code, self._text(), "expense", companies=(self._company(),))

    def rename_account(self) -> int | None:
        """Another name; no journal item is touched."""
        account = self._pick("account.account")
        if account:
            self.odoo.amend_account(account, name=self._text())
        return account

    def close_account(self) -> int | None:
        """One of the expense accounts that are open."""
        account = self._pick(
            "account.account",
            lambda row: row["account_type"] == "expense" and not row.get("deprecated"),
        )
        if account:
            self.odoo.close_account(account)
        return account

    def delete_account(self) -> int | None:
        """One of the later ones, without items."""
        lines = self.odoo.records["account.move.line"].values()
        used = {line["account_id"] for line in lines}
        account = self._pick(
            "account.account",
            lambda row: str(row["code"]).startswith("69") and row["id"] not in used,
        )
        if account:
            self.odoo.delete_account(account)
        return account

    def new_entry(self) -> int | None:
        """From one account of a company to another."""
        company = self._company()
        accounts = [self._own_account(company) for _ in range(2)]
        amount = self._amount()
        rows = [(accounts[0], amount), (accounts[1], f"-{amount}")]
        return self.odoo.new_entry(rows, company=company, date=self._day(), reference=self._text())

    def _own_account(self, company: int) -> int:
        account = self._pick(
            "account.account",
            lambda row: company in row["company_ids"] and row["account_type"] != "off_balance",
        )
        if account is None:
            raise LookupError(f"company {company} has no accounts")
        return account


# What can be done, by the model it is done to.
_DONE_TO: Final = {
    "res.partner": (
        "new_contact",
        "new_address",
        "amend_contact",
        "rename_contact",
        "archive_contact",
        "restore_contact",
        "delete_contact",
        "merge_contacts",
    ),
    "account.move": (
        "new_document",
        "amend_document",
        "post_document",
        "cancel_document",
        "reset_document",
        "delete_document",
        "new_entry",
    ),
    "account.payment": (
        "pay_document",
        "new_payment",
        "post_payment",
        "amend_payment",
        "reset_payment",
        "cancel_payment",
        "delete_payment",
    ),
    "sale.order": (
        "new_order",
        "amend_order",
        "send_order",
        "confirm_order",
        "cancel_order",
        "delete_order",
    ),
    "account.account": ("new_account", "rename_account", "close_account", "delete_account"),
}
ACTIONS: Final[dict[str, tuple[str, Callable[[Changes], int | None]]]] = {
    name: (model, getattr(Changes, name)) for model, names in _DONE_TO.items() for name in names
}
