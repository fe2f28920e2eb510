"""Some seeds of random weather; `make soak` has many more."""

from __future__ import annotations

from collections import Counter

from tests.mirror.small_ledger import a_small_mirror
from tests.mirror.weather import Weather

SEEDS = range(1, 5)


def test_whatever_the_weather_a_quiet_run_later_the_mirror_is_equal() -> None:
    events = Counter[str]()
    with a_small_mirror() as desk:
        desk.sync()
        again = desk.remember()
        for seed in SEEDS:
            again()
            found = Weather(desk=desk, seed=seed).run()
            assert found["trouble"] == [], f"seed {seed}"
            events.update(found["events"])
    # Weather in which nothing happens would prove nothing.
    assert {
        "a run was killed",
        "Odoo changed during a run",
        "Odoo committed late",
        "Odoo failed",
        "Odoo's clock was ahead",
        "Odoo's clock was set back",
        "rights were lost",
    } <= set(events)
    assert sum(event.startswith("changed: ") for event in events) > 15
