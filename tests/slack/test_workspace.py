"""Whose a person and a request are: ours, another workspace's, or one of our organisation's."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_qb.slack.workspace import Workspace, home_of, is_member, is_of_organisation, is_ours

WORKSPACE = Workspace(team="T-1")
OF_A_GRID = Workspace(team="T-1", organisation="E-1")
GRID = Workspace(organisation="E-1")


def grid_user(organisation: str, *teams: str) -> dict[str, Any]:
    """Somebody of an organisation, whom Slack gives one of their workspaces or none."""
    return {"enterprise_user": {"enterprise_id": organisation, "teams": list(teams)}}


@pytest.mark.parametrize(
    ("answer", "home"),
    [
        ({"team_id": "T-1", "is_enterprise_install": False}, WORKSPACE),
        ({"team_id": "T-1", "enterprise_id": "E-1"}, OF_A_GRID),
        ({"team_id": "E-1", "enterprise_id": "E-1", "is_enterprise_install": True}, GRID),
        ({}, Workspace()),
    ],
)
def test_slack_says_where_the_app_is_installed(answer: dict[str, Any], home: Workspace) -> None:
    assert home_of(answer) == home


@pytest.mark.parametrize(
    ("user", "home", "ours"),
    [
        ({"team_id": "T-1"}, WORKSPACE, True),
        ({"team_id": "T-2", "is_stranger": False}, WORKSPACE, False),
        ({}, WORKSPACE, False),
        (grid_user("E-1", "T-2", "T-1"), OF_A_GRID, True),
        (grid_user("E-1", "T-2"), OF_A_GRID, False),
        (grid_user("E-1", "T-2"), GRID, True),
        ({"team_id": "T-2"} | grid_user("E-2", "T-2"), GRID, False),
        ({"team_id": "T-2"}, Workspace(), True),  # a stand-in for Slack that knows no workspaces
    ],
)
def test_only_who_lives_where_the_app_is_installed_is_a_colleague(
    user: dict[str, Any], home: Workspace, ours: bool
) -> None:
    assert is_member(user, home) == ours


@pytest.mark.parametrize(
    ("named", "home", "ours"),
    [
        ({"T-1"}, WORKSPACE, True),
        ({"T-2"}, WORKSPACE, False),
        ({"T-1", "T-2"}, WORKSPACE, False),
        (set(), WORKSPACE, False),
        ({"E-1", "T-1"}, OF_A_GRID, True),
        ({"E-2", "T-1"}, OF_A_GRID, False),
        ({"E-1", "T-2"}, GRID, True),
        ({"T-2", "T-3"}, GRID, False),
        ({"T-2"}, Workspace(), True),
        ({"T-2", "T-3"}, Workspace(), False),
        (set(), Workspace(), False),
    ],
)
def test_a_request_is_ours_only_where_every_workspace_it_names_is(
    named: set[str], home: Workspace, ours: bool
) -> None:
    assert is_ours(named, home) == ours


@pytest.mark.parametrize(
    ("named", "organisation", "home", "ours"),
    [
        ({"T-2"}, "E-1", OF_A_GRID, True),
        ({"T-1", "T-2"}, "E-1", OF_A_GRID, True),
        ({"T-2", "T-3"}, "E-1", GRID, True),
        ({"T-2"}, "E-2", OF_A_GRID, False),
        ({"T-2"}, "", OF_A_GRID, False),
        (set(), "E-1", OF_A_GRID, False),
        ({"T-2"}, "", WORKSPACE, False),
        ({"T-2"}, "E-1", WORKSPACE, False),
        ({"T-2"}, "", Workspace(), False),
    ],
)
def test_a_request_from_a_sister_workspace_names_our_organisation(
    named: set[str], organisation: str, home: Workspace, ours: bool
) -> None:
    assert is_of_organisation(named, organisation, home) == ours
