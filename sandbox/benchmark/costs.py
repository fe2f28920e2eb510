"""The AWS cost of a thousand bills and of an idle month, from counted requests.

How long a run takes on AWS is assumed: the time of our own code, and of a vendor's answers.
Everything else is counted in the same benchmark.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sandbox.benchmark.prices import PRICES

if TYPE_CHECKING:
    from collections.abc import Mapping

BILLS: Final = 1000
DAYS: Final = 30

# Seconds: what a call to a vendor takes, what a warm run takes beside those, a start from nothing.
VENDOR: Final = {"odoo": 0.15, "slack": 0.2, "quickbooks": 0.5}
OWN: Final = {"extractor": 0.6, "notifier": 0.1, "approval_handler": 0.1, "poster": 0.2}
COLD: Final = 1.0
GIGABYTES: Final = {"extractor": 0.5, "notifier": 0.25, "approval_handler": 0.5, "poster": 0.25}
SECONDS_A_BILL_READ: Final = 0.02  # the extractor's own, its share of the calls to Odoo apart

# What Lambda adds to the log of a run: its start, end and report.
PLATFORM_BYTES: Final = 80 + 53 + 170
RUNS_A_DAY: Final = {
    "extract": 96,
    "extract-all": 1,
    "sync-reference": 24,
    "check-connections": 1,
    "export-month": 1 / DAYS,
}
_OF_THE_POSTER: Final = {"sync-reference", "check-connections"}
# Lambda polls a queue with five connections, each asking for 20 seconds; "can optimize to as
# few as 2". https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLS_A_DAY: Final = 5 * 3 * 60 * 24
# Of the seven secrets and so on in the sandbox: what every deployment has, and one company more.
GIVEN_SECRETS: Final = 3

Json = dict[str, Any]
Usage = dict[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is paid by the month; each company adds a secret."""

    companies: int
    alarms: int
    metrics: int
    dashboards: int


def of_bills(life: Json, odoo_calls_a_bill: float) -> Usage:
    """What a thousand ordinary bills use, from Odoo to QuickBooks."""
    bill = life["bill"]
    shows = bill["shows"]
    deferred = shows - SHOWN  # the posting's own step, at which the notifier only looks
    runs = shows + 2  # a click and a posting; the extractor's runs are the idle month's
    seconds = {
        "extractor": SECONDS_A_BILL_READ + odoo_calls_a_bill * VENDOR["odoo"],
        "notifier": SHOWN * (OWN["notifier"] + VENDOR["slack"]) + deferred * OWN["notifier"],
        "approval_handler": OWN["approval_handler"] + VENDOR["slack"],
        "poster": OWN["poster"] + life["quickbooks"]["calls_a_bill"] * VENDOR["quickbooks"],
    }
    requests = bill["requests"]
    use = {
        "Lambda runs": runs,
        "Lambda time": _gigabyte_seconds(seconds),
        "SQS requests": requests["SendMessage"] + 2,  # Lambda receives and deletes
        "Logs": (bill["logged_bytes"] + runs * PLATFORM_BYTES) / 1e9,
    }
    return _times(BILLS, use | _asked(bill))


def of_idle_month(life: Json, standing: Standing) -> Usage:
    """The usage of a month without bills, with a cold start for every scheduled run."""
    companies = standing.companies / life["companies"]
    idle, sync, check = life["idle_run"], life["sync"], life["check"]
    calls = life["quickbooks"]["calls_a_sync"] + life["quickbooks"]["tokens_a_company"]
    each = {
        "extract": (idle, COLD + OWN["extractor"] + idle["odoo_calls"] * VENDOR["odoo"], 1.0),
        "extract-all": (idle, COLD + 10.0, 1.0),
        "export-month": (idle, COLD + 10.0, 1.0),
        "sync-reference": (
            sync,
            COLD + standing.companies * calls * VENDOR["quickbooks"],
            companies,
        ),
        "check-connections": (check, COLD + standing.companies * OWN["poster"], companies),
    }
    use: dict[str, float] = {}
    for name, (counted, seconds, share) in each.items():
        function = "poster" if name in _OF_THE_POSTER else "extractor"
        run = {what: n * share for what, n in _asked(counted).items()} | {
            "Lambda runs": 1.0,
            "Lambda time": _gigabyte_seconds({function: seconds}),
            "Logs": (counted["logged_bytes"] + PLATFORM_BYTES) / 1e9,
            "KMS": 1.0,  # DynamoDB keeps its key for five minutes
        }
        for what, n in run.items():
            use[what] = use.get(what, 0.0) + n * RUNS_A_DAY[name] * DAYS
    use["SQS requests"] = float(POLLS_A_DAY * DAYS)
    stands = {
        "Secrets": GIVEN_SECRETS + standing.companies,
        "Alarms": standing.alarms,
        "Metrics of our own": standing.metrics,
        "Dashboards": standing.dashboards,
    }
    return _times(1, use | stands)


def at_list_price(usage: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Dollars by item, most expensive first."""
    dollars = {what: n * PRICES[what].dollars for what, n in usage.items()}
    return dict(sorted(dollars.items(), key=lambda row: -row[1]))


def beyond_what_is_free(usage: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The same without the monthly free allowance, if nothing else uses that up."""
    nothing = Decimal(0)
    return at_list_price({w: max(nothing, n - PRICES[w].free) for w, n in usage.items()})


SHOWN: Final = 3  # a bill's card is drawn when it is new, approved and posted


def _gigabyte_seconds(seconds: Mapping[str, float]) -> float:
    return sum(GIGABYTES[function] * n for function, n in seconds.items())


def _asked(counted: Json) -> dict[str, float]:
    """Requests and units that were counted, by what they are billed as."""
    requests = counted["requests"]
    return {
        "DynamoDB writes": counted["write_units"],
        "DynamoDB reads": counted["read_units"],
        "S3 writes": requests.get("PutObject", 0.0),
        "S3 reads": requests.get("GetObject", 0.0),
        "Secrets Manager calls": sum(n for name, n in requests.items() if "SecretValue" in name),
    }


def _times(number: int, use: Mapping[str, float]) -> Usage:
    return {what: Decimal(repr(float(n))) * number for what, n in use.items()}
