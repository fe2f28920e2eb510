"""Many executions at once in an account of few runs: all end, no number is missing or double."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.intake.at_once import start_at_once

if TYPE_CHECKING:
    from pathlib import Path


def test_no_number_is_missing_or_double_when_all_start_at_once(tmp_path: Path) -> None:
    """`make soak` starts 200 in an account of ten."""
    failures = start_at_once(tmp_path, starts=14, runs=3)

    assert failures["Lambda.TooManyRequestsException"]
