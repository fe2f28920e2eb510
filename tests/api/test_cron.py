"""Unix crons in EventBridge's six fields, and those that are refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo_qb.api.cron import parse_cron
from odoo_qb.api.cron_times import next_run, zone_of
from odoo_qb.errors import Refused
from sandbox.aws import schedule_times

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "api.md"
NOW: Final = datetime(2026, 1, 28, 10, 0, 30, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("cron", "expression"),
    [
        ("* * * * *", "cron(* * * * ? *)"),
        ("0 * * * *", "cron(0 * * * ? *)"),
        ("*/15 * * * *", "cron(0,15,30,45 * * * ? *)"),
        ("5/20 * * * *", "cron(5,25,45 * * * ? *)"),
        ("17 3 * * *", "cron(17 3 * * ? *)"),
        ("0 9-17/2 * * 1-5", "cron(0 9,11,13,15,17 ? * 2-6 *)"),
        ("0 0 * * 0", "cron(0 0 ? * 1 *)"),
        ("0 0 * * 7", "cron(0 0 ? * 1 *)"),
        ("0 0 * * sun", "cron(0 0 ? * 1 *)"),
        ("0 0 * * SAT-SUN", "cron(0 0 ? * 1,7 *)"),
        ("0 0 * * sun-sun", "cron(0 0 ? * 1 *)"),
        ("0 0 * * 0-sun", "cron(0 0 ? * 1 *)"),
        ("0 0 * * 7-sun", "cron(0 0 ? * 1 *)"),
        ("0 0 * * 5-7", "cron(0 0 ? * 1,6,7 *)"),
        ("0 0 * * Mon,wed,FRI", "cron(0 0 ? * 2,4,6 *)"),
        ("0 0 * * 0-6", "cron(0 0 ? * 1-7 *)"),
        ("0 0 * * */2", "cron(0 0 ? * 1,3,5,7 *)"),
        ("0 0 1 * *", "cron(0 0 1 * ? *)"),
        ("30 6 1,15 jan-mar *", "cron(30 6 1,15 1-3 ? *)"),
        ("0 0 */2 * *", "cron(0 0 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 * ? *)"),
        ("0 0 */1 * 1", "cron(0 0 ? * 2 *)"),
        ("0 0 29 2 *", "cron(0 0 29 2 ? *)"),
        ("0 0 30,31 2,3 *", "cron(0 0 30,31 2,3 ? *)"),
        ("0 0 31 */2 *", "cron(0 0 31 1,3,5,7,9,11 ? *)"),
        ("59,0,30 23 31 12 *", "cron(0,30,59 23 31 12 ? *)"),
        ("*/60 */24 */31 */12 *", "cron(0 0 1 1 ? *)"),
        ("  00   07\t* *  * ", "cron(0 7 * * ? *)"),
        ("5-5 4-4 * * mon-mon", "cron(5 4 ? * 2 *)"),
    ],
)  # fmt: skip
def test_a_cron_is_said_in_eventbridges_six_fields(cron: str, expression: str) -> None:
    assert parse_cron(cron).expression == expression


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("", "The cron is empty. Enter five fields: minute, hour,"),
        (" \t", "The cron is empty."),
        ("@hourly", "Write @hourly in five fields: 0 * * * *."),
        ("@Weekly", "Write @weekly in five fields: 0 0 * * 0."),
        ("@reboot", "@reboot can't be scheduled. Enter five fields:"),
        ("0 * * *", "has only 4 of five fields:"),
        ("rate(5 minutes)", "has only 2 of five fields:"),
        ("0 0 12 * * *", "has 6 fields. Enter five, without seconds or years:"),
        ("cron(0 12 * * ? *)", "has 6 fields."),
        ("0 0 ? * 1", "Write * instead."),
        ("0 0 L * *", "L, W and # are not Unix cron."),
        ("0 0 L-3 * *", "L, W and # are not Unix cron."),
        ("0 0 LW * *", "L, W and # are not Unix cron."),
        ("0 0 15W * *", "The day of month 15w can't be scheduled"),
        ("0 0 * * 5L", "The weekday 5l can't be scheduled"),
        ("0 0 * * fril", "L, W and # are not Unix cron."),
        ("0 0 * * 2#1", "L, W and # are not Unix cron."),
        ("0 0 * * mon#2", "Use days such as 15 or 1-7, or weekdays such as mon-fri."),
        ("60 * * * *", "The minute 60 is out of range. It goes from 0 to 59."),
        ("0 24 * * *", "The hour 24 is out of range."),
        ("0 0 0 * *", "The day of month 0 is out of range. It goes from 1 to 31."),
        ("0 0 1-32 * *", "The day of month 32 is out of range."),
        ("0 0 * 13 *", "The month 13 is out of range."),
        ("0 0 * * 8", "The weekday 8 is out of range. It goes from 0 to 7."),
        (f"{'9' * 200} * * * *", f"The minute {'9' * 39}… is out of range."),
        ("0 22-3 * * *", "The range 22-3 runs backwards. Write it as two: 22-23,0-3."),
        ("0 0 * * fri-mon", "Write it as two: 5-6,0-1."),
        ("0 0 * * 7-1", "The range 7-1 runs backwards. Write it as 0-1."),
        ("0 0 * nov-feb *", "Write it as two: 11-12,1-2."),
        ("*/0 * * * *", "The step in */0 doesn't fit the minute. Steps go from 1 to 60."),
        ("*/90 * * * *", "Steps go from 1 to 60."),
        ("0 0 * * */8", "Steps go from 1 to 7."),
        ("0 0 1 * 1", "Write * for one of them, or make two schedules."),
        ("0 0 */2 * 1-5", "restricts both the day of month and the weekday"),
        ("0 0 1-31 * 1", "restricts both the day of month and the weekday"),
        ("0 0 30 2 *", "none of its months has a day 30."),
        ("0 0 30,31 feb *", "none of its months has a day 30."),
        ("0 0 31 4,6,9,11 *", "none of its months has a day 31. Choose another day or month."),
        ("x * * * *", "The minute x isn't understood. Use numbers from 0 to 59, *,"),
        ("0 0 * * monday", "The weekday monday isn't understood."),
        ("0 0 * mon *", "The month mon isn't understood."),
        ("1, * * * *", "The minute after a comma isn't understood."),
        ("-1 * * * *", "The minute -1 isn't understood."),
        ("1-2-3 * * * *", "The minute 1-2-3 isn't understood."),
        ("*/ * * * *", "The minute */ isn't understood."),
        ("*/-5 * * * *", "The minute */-5 isn't understood."),
        ("1.5 * * * *", "The minute 1.5 isn't understood."),
        ("٣ * * * *", "The minute ٣ isn't understood."),
        ("H * * * *", "The minute h isn't understood."),
        ("*-5 * * * *", "isn't understood."),
        (f"{'1,' * 200}1 * * * *", "The cron is longer than 256 characters."),
    ],
)
def test_what_eventbridge_cannot_say_is_refused_with_what_to_write(cron: str, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse_cron(cron)
    assert said in str(refusal.value)


@pytest.mark.parametrize("first", range(8))
@pytest.mark.parametrize("last", range(8))
def test_what_to_write_instead_of_a_range_is_understood(first: int, last: int) -> None:
    try:
        weekdays = parse_cron(f"0 0 * * {first}-{last}").weekdays
    except Refused as refusal:
        instead = str(refusal).removesuffix(".").rpartition(" ")[2]
        weekdays = parse_cron(f"0 0 * * {instead}").weekdays
    days = range(first, last + 1) if first <= last else range(first, last + 8)
    assert weekdays == frozenset(day % 7 for day in days)


def test_the_documentation_says_what_is_refused_and_what_to_write_instead() -> None:
    text = DOCUMENT.read_text("utf-8").split("| refused | instead |\n|---|---|\n")[1]
    rows = [row.strip("|").split("|") for row in text.split("\n\n")[0].splitlines()]
    cron = re.compile(r"`(@\w+|[^`]+ [^`]+)`")
    refused, instead = ([c for row in rows for c in cron.findall(row[n])] for n in (0, 1))
    assert [c for c in refused if understood(c)] == []
    assert [c for c in instead if not understood(c)] == []
    assert len(refused) > 6
    assert len(instead) > 4


@given(st.text(alphabet="0123456789*,-/?LW#@ adefjmnoprstu", max_size=30))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        cron = parse_cron(text)
    except Refused as refusal:
        assert str(refusal).endswith(".")  # noqa: PT017 - most texts are refused
    else:
        assert len(text.split()) == 5
        assert next_run(cron, UTC, NOW) > NOW


# -- against croniter, which knows crons, and the sandbox, which knows EventBridge -----------------


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    step = st.integers(1, high - low + 1)
    # Not 5-5: croniter takes it for every value, crontab(5) and we for one.
    bounds = st.tuples(number, number).filter(lambda pair: pair[0] < pair[1])
    part = st.one_of(
        number.map(str),
        bounds.map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.tuples(bounds, step).map(lambda found: f"{found[0][0]}-{found[0][1]}/{found[1]}"),
        st.tuples(number, step).map(lambda found: f"{found[0]}/{found[1]}"),
        step.map(lambda every: f"*/{every}"),
    )
    return st.one_of(st.just("*"), st.lists(part, min_size=1, max_size=4).map(",".join))


CRONS: Final = st.one_of(
    st.tuples(fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12), st.just("*")),
    st.tuples(fields(0, 59), fields(0, 23), st.just("*"), fields(1, 12), fields(0, 6)),
).map(" ".join)
INSTANTS: Final = st.integers(0, 11 * 366 * 86_400).map(
    lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
# Half-hour shifts, midnights that are left out, a hemisphere that turns the other way.
ZONES: Final = (
    *("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Havana"),
    *("Asia/Beirut", "Pacific/Chatham", "Asia/Kolkata", "America/Santiago", "Atlantic/Azores"),
)


def by_croniter(cron: str, zone: ZoneInfo, after: datetime) -> datetime:
    """What croniter finds on clocks that never turn, without the hours that don't run on AWS."""
    there = after.astimezone(zone).replace(tzinfo=None)
    times = croniter(cron, there - timedelta(hours=3))
    while True:
        local = times.get_next(datetime).replace(tzinfo=zone)
        found: datetime = local.astimezone(UTC)
        exists = found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
        if exists and found > after:
            return found


def understood(cron: str) -> bool:
    try:
        parse_cron(cron)
    except Refused:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(cron=CRONS.filter(understood), zone=st.sampled_from(("UTC", *ZONES)), after=INSTANTS)
@example(cron="0 0 29 2 *", zone="UTC", after=datetime(2028, 3, 1, tzinfo=UTC))
@example(cron="30 2 * * *", zone="Europe/Paris", after=datetime(2026, 3, 28, 12, tzinfo=UTC))
@example(cron="30 2 * * *", zone="Europe/Paris", after=datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
def test_the_next_runs_are_croniters(cron: str, zone: str, after: datetime) -> None:
    parsed, oracle, ours = parse_cron(cron), after, after
    for _ in range(3):
        oracle = by_croniter(cron, ZoneInfo(zone), oracle)
        ours = next_run(parsed, zone_of(zone), ours)
        assert ours == oracle


@settings(max_examples=100, deadline=None)
@given(cron=CRONS.filter(understood), zone=st.sampled_from(ZONES), after=INSTANTS)
def test_eventbridge_fires_at_the_next_run_and_not_before(
    cron: str, zone: str, after: datetime
) -> None:
    parsed = parse_cron(cron)
    assert len(parsed.expression) <= 256
    times = schedule_times.read(parsed.expression, zone)
    assert isinstance(times, schedule_times.Cron)
    found = next_run(parsed, zone_of(zone), after)
    assert times.fits(found)
    if found - after < timedelta(hours=12):
        soon = schedule_times.due(times, after, after + timedelta(microseconds=1), found)
        assert soon is None


@pytest.mark.parametrize(
    "cron",
    [
        *("* * * * *", "*/5 * * * *", "0 * * * *", "15,45 * * * *", "0 0 * * *", "30 2 * * *"),
        *("0 9 * * 1-5", "0 9-17 * * *", "0 */6 * * *", "0 0 * * 0", "0 0 * * 7", "0 0 * * sun"),
        *("0 0 1 * *", "0 0 1,15 * *", "0 0 1 jan *", "0 0 31 * *", "59 23 31 12 *"),
    ],
)
def test_ordinary_crons_run_the_next_two_hundred_times_as_croniter_says(cron: str) -> None:
    parsed, times, found = parse_cron(cron), croniter(cron, NOW), NOW
    for _ in range(200):
        found = next_run(parsed, UTC, found)
        assert found == times.get_next(datetime)


# -- the clocks of a zone --------------------------------------------------------------------------


def runs(cron: str, zone: str, after: str, number: int) -> list[str]:
    found, times = datetime.fromisoformat(after).replace(tzinfo=UTC), []
    for _ in range(number):
        found = next_run(parse_cron(cron), zone_of(zone), found)
        times.append(f"{found:%m-%d %H:%M}")
    return times


def test_the_hour_that_spring_leaves_out_is_skipped() -> None:
    assert runs("30 2 * * *", "Europe/Paris", "2026-03-28T00:00", 3) == [
        "03-28 01:30",  # winter time
        "03-30 00:30",  # on the 29th it is never half past two
        "03-31 00:30",
    ]


def test_the_hour_that_autumn_repeats_runs_once() -> None:
    assert runs("30 2 * * *", "Europe/Paris", "2026-10-24T12:00", 2) == [
        "10-25 00:30",
        "10-26 01:30",
    ]


def test_the_next_run_is_never_now() -> None:
    on_the_hour = datetime(2026, 1, 28, 11, tzinfo=UTC)
    every = parse_cron("0 * * * *")
    assert next_run(every, UTC, on_the_hour - MINUTE) == on_the_hour
    assert next_run(every, UTC, on_the_hour) == on_the_hour + 60 * MINUTE


@pytest.mark.parametrize("name", ["UTC", "Etc/UTC", "Europe/Paris", "America/Argentina/Salta"])
def test_the_zones_of_ianas_list_are_known(name: str) -> None:
    assert zone_of(name).utcoffset(NOW) == NOW.astimezone(ZoneInfo(name)).utcoffset()


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("europe/paris", "Did you mean Europe/Paris?"),
        ("Paris", "Did you mean Europe/Paris?"),
        ("new york", "Did you mean America/New_York?"),
        ("Europe/Pariss", "Did you mean Europe/Paris?"),
        ("UTC+2", "Use a name such as Europe/Paris or UTC."),
        ("EST5EDT4,M3.2.0,M11.1.0", "Use a name such as Europe/Paris or UTC."),
        ("", "Use a name such as"),
        ("/etc/passwd", "Use a name such as"),
        ("../../etc/localtime", "Use a name such as"),
        ("localtime", "Use a name such as"),
        ("x" * 1000, "Use a name such as"),
    ],
)
def test_another_zone_is_refused_with_the_name_that_comes_nearest(name: str, advice: str) -> None:
    with pytest.raises(Refused) as refusal:
        zone_of(name)
    assert str(refusal.value).startswith("There is no time zone ")
    assert str(refusal.value).endswith(advice if advice.endswith(("?", ".")) else "or UTC.")
    assert len(str(refusal.value)) < 120
