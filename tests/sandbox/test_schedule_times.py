from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.aws.schedule_times import NotASchedule, due, read

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


def instants(
    expression: str, zone: str, first: str, days: int, *, tick: float = 53, begin: str = ""
) -> list[str]:
    """When an expression was due in some days, looked at every `tick` seconds."""
    times, since = read(expression, zone), datetime.fromisoformat(f"{first}T00:00Z")
    began = datetime.fromisoformat(begin) if begin else since
    end, found = since + timedelta(days=days), []
    while since < end:
        until = min(end, since + timedelta(seconds=tick))
        if instant := due(times, began, since, until):
            found.append(f"{instant:%m-%d %H:%M}")
        since = until
    return found


@pytest.mark.parametrize(
    ("expression", "zone", "first", "due_in_utc"),
    [
        # Spring leaves out 2:00 to 3:00 in New York on March 8, 2026, and in Berlin on the 29th.
        ("cron(30 2 * * ? *)", NEW_YORK, "2026-03-07", ["03-07 07:30", "03-09 06:30"]),
        (
            "cron(0 3 * * ? *)",
            NEW_YORK,
            "2026-03-08",
            ["03-08 07:00", "03-09 07:00", "03-10 07:00"],
        ),
        ("cron(15 2 * * ? *)", BERLIN, "2026-03-29", ["03-30 00:15", "03-31 00:15"]),
        # Autumn repeats 1:00 to 2:00 on November 1, and in Berlin 2:00 to 3:00 on October 25.
        (
            "cron(30 1 * * ? *)",
            NEW_YORK,
            "2026-11-01",
            ["11-01 05:30", "11-02 06:30", "11-03 06:30"],
        ),
        ("cron(15 2 * * ? *)", BERLIN, "2026-10-25", ["10-25 00:15", "10-26 01:15", "10-27 01:15"]),
        # On Lord Howe Island half an hour is repeated, on April 5.
        ("cron(45 1 5 4 ? *)", "Australia/Lord_Howe", "2026-04-04", ["04-04 14:45"]),
        # A day of a rate has 24 hours, whatever the clocks do.
        ("rate(1 day)", NEW_YORK, "2026-03-08", ["03-08 00:00", "03-09 00:00", "03-10 00:00"]),
        ("at(2026-03-08T09:00:00)", NEW_YORK, "2026-03-08", ["03-08 13:00"]),
        ("at(2026-03-07T09:00:00)", NEW_YORK, "2026-03-07", ["03-07 14:00"]),
    ],
)
def test_an_hour_that_the_clocks_skip_is_skipped_and_one_they_repeat_counts_once(
    expression: str, zone: str, first: str, due_in_utc: list[str]
) -> None:
    assert instants(expression, zone, first, 3) == due_in_utc


@pytest.mark.parametrize(
    ("expression", "first", "expected"),
    [
        ("cron(0 9 ? * MON-FRI *)", "2026-11-27", ["11-27 09:00", "11-30 09:00"]),
        ("cron(0 9 ? * 2 *)", "2026-11-27", ["11-30 09:00"]),  # 1 is Sunday
        ("cron(0/20 22-23 28 11 ? 2026)", "2026-11-27", [
            "11-28 22:00", "11-28 22:20", "11-28 22:40", "11-28 23:00", "11-28 23:20",
            "11-28 23:40",
        ]),
        ("cron(0 0 L * ? *)", "2026-11-27", ["11-30 00:00"]),
        ("cron(0 0 ? NOV 2#5 *)", "2026-11-27", ["11-30 00:00"]),
        ("cron(0 0 ? * FRIL *)", "2026-11-27", ["11-27 00:00"]),
        ("cron(0 0 28,30 11,12 ? *)", "2026-11-27", ["11-28 00:00", "11-30 00:00"]),
        ("cron(0 0 1 1 ? 2031)", "2026-11-27", []),
    ],
)  # fmt: skip
def test_a_cron_expression_has_six_fields_with_weekdays_from_sunday(
    expression: str, first: str, expected: list[str]
) -> None:
    assert instants(expression, "UTC", first, 4) == expected


def test_a_rate_counts_from_the_start_of_its_schedule() -> None:
    start = "2026-11-27T00:10:20Z"
    found = instants("rate(12 hours)", "UTC", "2026-11-27", 1, begin=start)
    assert found == ["11-27 00:10", "11-27 12:10"]
    assert instants("rate(5 minutes)", "UTC", "2026-11-26", 1, begin=start) == []


@settings(max_examples=30)
@given(st.lists(st.integers(1, 59), min_size=120, max_size=240), st.integers(0, 59))
def test_nothing_is_due_twice_or_missed_however_often_one_looks(
    seconds: list[int], second: int
) -> None:
    times, begin = read("cron(0/7 * * * ? *)", BERLIN), datetime(2026, 10, 25, tzinfo=UTC)
    looks = [begin.replace(second=second)]
    for pause in seconds:
        looks.append(looks[-1] + timedelta(seconds=pause))
    found = [due(times, begin, since, until) for since, until in pairwise(looks)]
    first, last = looks[0], looks[-1]
    minutes = (begin + timedelta(minutes=number) for number in range(24 * 60))
    expected = [m for m in minutes if first <= m < last and m.minute % 7 == 0 and m.hour != 1]
    assert [instant for instant in found if instant] == expected


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 9 * * *)",  # five fields
        "cron(0 9 * * ? * *)",
        "cron(0 9 * * * *)",  # both days
        "cron(0 9 1 * MON *)",
        "cron(0 9 ? * ? *)",  # neither
        "cron(? 9 * * ? *)",
        "cron(60 9 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 9 32 * ? *)",
        "cron(0 9 0 * ? *)",
        "cron(0 9 * 13 ? *)",
        "cron(0 9 ? * 0 *)",
        "cron(0 9 ? * 8 *)",
        "cron(0 9 ? * FRI-MON *)",
        "cron(10-5 9 * * ? *)",
        "cron(1,10-5 9 * * ? *)",
        "cron(0/0 9 * * ? *)",
        "cron(0 9 * * ? 1969)",
        "cron(0 9 * * ? 2200)",
        "cron(@hourly)",
        "cron()",
        "rate(0 minutes)",
        "rate(5)",
        "rate(5 weeks)",
        "rate(1.5 hours)",
        "rate(-5 minutes)",
        "at(2026-02-30T09:00:00)",
        "at(2026-03-08 09:00:00)",
        "at(2026-03-08T09:00)",
        "at(2026-03-08T09:00:00Z)",
        "0 9 * * ? *",
        "hourly",
    ],
)
def test_an_expression_that_aws_does_not_know_is_refused(expression: str) -> None:
    with pytest.raises(NotASchedule, match="Invalid Schedule Expression"):
        read(expression)


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "America", "EST5EDT4", "../UTC", "/etc/localtime"]
)
def test_a_time_zone_that_does_not_exist_is_refused(zone: str) -> None:
    with pytest.raises(NotASchedule, match="Timezone"):
        read("rate(1 hour)", zone)
