"""AWS's list prices in us-west-2 in US dollars, and the free allowances."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

AS_OF: Final = "2025"  # AWS changes them seldom: https://aws.amazon.com/<service>/pricing/


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for each `unit`; every account has `free` of them a month, for good.

    What AWS gives in an account's first year only is not counted.
    """

    unit: str
    dollars: Decimal
    free: Decimal = Decimal(0)


def _a(unit: str, dollars: str, each: int = 1, *, free: int = 0) -> Price:
    return Price(unit, Decimal(dollars) / each, Decimal(free))


MILLION: Final = 1_000_000

PRICES: Final = {
    "Lambda runs": _a("run", "0.20", MILLION, free=MILLION),
    "Lambda time": _a("GB-second on Arm", "0.0000133334", free=400_000),
    "DynamoDB writes": _a("write request unit", "0.625", MILLION),
    "DynamoDB reads": _a("read request unit", "0.125", MILLION),
    "S3 writes": _a("PUT", "0.005", 1000),
    "S3 reads": _a("GET", "0.0004", 1000),
    "SQS requests": _a("request to a FIFO queue", "0.50", MILLION, free=MILLION),
    "SNS requests": _a("request", "0.50", MILLION, free=MILLION),
    "State transitions": _a("transition of a Standard workflow", "0.025", 1000, free=4000),
    "Secrets Manager calls": _a("call", "0.05", 10_000),
    "Secrets": _a("secret and month", "0.40"),
    "KMS": _a("use of the table's key", "0.03", 10_000, free=20_000),
    "Alarms": _a("metric watched and month", "0.10", free=10),
    "Metrics of our own": _a("metric and month", "0.30", free=10),
    "Dashboards": _a("dashboard and month", "3.00", free=3),
    "Logs": _a("GB taken in", "0.50", free=5),
    "HTTP API": _a("request", "1.00", MILLION),
    # Cost nothing: scheduled rules, the stream's records that Lambda reads, Function URLs.
}
