"""Make Slack match the table: post the card of a new bill, update the card of a changed one."""

from __future__ import annotations

from typing import Any, Final

from aws_lambda_powertools import Logger

from odoo_qb.approval.publisher import ENOUGH_SECONDS
from odoo_qb.approval.stream import changes_of
from odoo_qb.errors import Refused, Unavailable
from odoo_qb.guarding import DAMAGE, OF_AWS
from odoo_qb.wiring.notifier import NotifierWiring

logger = Logger()
wired = NotifierWiring()

NO_TIME: Final = "There is no time left in this run."


def lambda_handler(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Show the bills in records of the table's stream; returns the records that failed.

    A record that is malformed is logged, and returned as failed if it has a sequence number. An
    event without records gets {"error": …}.

    A bill changed five times in one batch is shown once, in its latest state. If Slack refuses one
    bill, the others are still shown; if Slack is down, the rest waits. AWS sends everything from
    the first failed record again; for a bill already shown that costs one read of the table:
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        return {"error": "This function only takes records from the table's stream."}
    changes = changes_of(records)
    numbers, failed = changes.numbers, [*changes.failed]
    publisher = wired.publisher
    wired.throttle.begin(len(numbers))

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    for entry_id, number in numbers.items():
        try:
            if seconds_left() < ENOUGH_SECONDS:
                raise Unavailable(NO_TIME)  # noqa: TRY301 - one way out
            publisher.show(entry_id, seconds_left)
        except Refused as refusal:
            logger.error("Slack refused a card", entry_id=entry_id, reason=str(refusal))  # noqa: TRY400 - a sentence, no traceback
            failed.append(number)
        except (*DAMAGE, *OF_AWS):  # the others are shown; the extractor mails about this one
            logger.exception("a card could not be made", entry_id=entry_id)
            failed.append(number)
        except Unavailable as error:
            logger.warning("not shown yet", entry_id=entry_id, reason=str(error))
            failed.append(number)
            break
    logger.info("shown", bills=len(numbers), failed=len(failed))
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
