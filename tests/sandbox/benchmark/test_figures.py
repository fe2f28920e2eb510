"""The benchmark of the figures counts what it says."""

from __future__ import annotations

from sandbox.benchmark.figures import measure


def test_calls_are_counted_together_alone_and_kept() -> None:
    found = measure(lambda _: None, items=5_000)
    calls = {name: period["calls"] for name, period in found["periods"].items()}
    assert calls == {"month": 3, "quarter": 3, "fiscal year": 4, "range of days": 4}
    assert [period["kept_calls"] for period in found["periods"].values()] == [0, 0, 0, 0]
    assert all(p["alone_calls"] == 12 * p["calls"] for p in found["periods"].values())
    assert found["ratio"] == 12.0
    assert all(period["seconds"] >= period["calls"] * 0.05 for period in found["periods"].values())
