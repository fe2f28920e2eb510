"""What 16 and 17 keep in another way than 18, whose records the ledger is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.odoo.entries import book

if TYPE_CHECKING:
    from sandbox.odoo.records import Records


def give_entries(odoo: Records) -> None:
    """Every payment is an entry too: those without one get it, as they were written."""
    for payment in odoo.records["account.payment"].values():
        if not payment["move_id"]:
            book(odoo, payment, payment["write_date"])


def split_accounts(odoo: Records) -> None:
    """An account belongs to one company: another that shares it gets one of its own."""
    accounts = odoo.records["account.account"]
    for number, codes in odoo.codes.items():
        first, *others = sorted(accounts[number]["company_ids"])
        accounts[number] |= {"code": codes[first], "company_ids": [first]}
        for company in others:
            own = accounts[number] | {"code": codes[company], "company_ids": [company]}
            new = odoo.add("account.account", own, accounts[number]["write_date"])
            for line in odoo.records["account.move.line"].values():
                if (line["account_id"], line["company_id"]) == (number, company):
                    line["account_id"] = new["id"]
    odoo.codes.clear()
