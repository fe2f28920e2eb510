"""A figure for CloudWatch, written as a line of the log.

Powertools' Metrics would cost every cold start what is needed once a day.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from odoo_qb import settings


def put(name: str, value: float, **about: str) -> None:
    """Count something for this deployment as a whole; `about` stands beside it in the log.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    counted = {
        "Namespace": settings.environment("POWERTOOLS_METRICS_NAMESPACE"),
        "Dimensions": [[]],
        "Metrics": [{"Name": name, "Unit": "Count"}],
    }
    at = int(datetime.now(UTC).timestamp() * 1000)
    line = {"_aws": {"Timestamp": at, "CloudWatchMetrics": [counted]}, **about, name: value}
    print(json.dumps(line))  # noqa: T201 - the embedded format is a line of its own on standard output
