"""The whole chain on real records, in one process."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.in_process.chain import World


def test_the_datasets_bills_end_as_an_accountant_expects(world: World) -> None:
    report = world.extract()
    assert sum(sum(c.values()) for c in report["companies"].values()) >= 98
    assert world.show() == {"batchItemFailures": []}
    for entry_id, item in sorted(world.items().items()):
        if item["nothing_to_post"]:
            world.click(entry_id, "acknowledge_intercompany")
        elif any("Possible duplicate" in w for w in item["warnings"]):
            world.reject(entry_id, "A duplicate")
        else:
            world.click(entry_id, "approve_invoice")
    world.post()
    statuses = Counter(i["status"] for i in world.items().values())
    assert statuses == {"POSTED": 86, "REJECTED": 8, "ACKNOWLEDGED": 4}
    realms = world.quickbooks.realms.values()
    assert sum(len(r.bills) for r in realms) == 82
    assert sum(len(r.vendor_credits) for r in realms) == 4
    assert world.quickbooks.violations == []
