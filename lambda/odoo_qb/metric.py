"""A metric for CloudWatch, written as a line of the log.

Powertools' Metrics would slow every cold start for what is needed once a day.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def put(namespace: str, now: datetime, name: str, value: float, **about: str) -> None:
    """Write a metric of the whole deployment; `about` goes beside it in the log.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    counted = {
        "Namespace": namespace,
        "Dimensions": [[]],
        "Metrics": [{"Name": name, "Unit": "Count"}],
    }
    at = int(now.timestamp() * 1000)
    line = {"_aws": {"Timestamp": at, "CloudWatchMetrics": [counted]}, **about, name: value}
    print(json.dumps(line))  # noqa: T201 - the embedded format is a line of its own on standard output
