"""Every command finds the libraries of a policy, beside it and where it is told to look."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from schedlang.cli.main import cli
from tests.support.command_line import Schedc

LIBRARY = """library classes

fn is_urgent() = nice < 0

tree tiers(first, rest) = strict { first  rest }
"""
POLICY = """policy shared
use web.classes.{is_urgent, tiers}

queue quick { global  order fifo  slice 1ms }
queue rest  { global  order fifo  slice 4ms }

route {
  is_urgent() -> quick
  else        -> rest
}

serve tiers(quick, rest)
guard rest at least 20%
"""


def write(folder: str, library: str = LIBRARY) -> None:
    path = Path(folder) / "web"
    path.mkdir(parents=True)
    (path / "classes.sched").write_text(library)


def test_every_command_that_compiles_policies_takes_folders() -> None:
    takes = {
        name
        for name, command in cli.commands.items()
        for option in command.params
        if isinstance(option, click.Option) and "--library" in option.opts
    }
    assert takes == {
        *("check", "prove", "review", "diff", "compile", "verify", "run", "test", "sim"),
        *("compare", "conform", "tune"),
    }


@pytest.mark.parametrize("folder", [".", "there"])
def test_a_library_is_found(schedc: Schedc, folder: str) -> None:
    write(folder)
    Path("p.sched").write_text(POLICY)
    more = ("--library", "there") if folder == "there" else ()
    for command in (("check",), ("prove",), ("compile", "--emit", "c"), ("diff", "p.sched")):
        said = schedc(*command, "p.sched", *more)
        assert said.status == 0, said
    assert schedc("sim", "p.sched", "-w", "tickers", *more).status == 0


def test_it_lies_beside_the_policy_and_not_where_one_is(schedc: Schedc) -> None:
    write("elsewhere")
    Path("elsewhere/p.sched").write_text(POLICY)
    assert schedc("check", "elsewhere/p.sched").status == 0
    Path("p.sched").write_text(POLICY)
    said = schedc("check", "p.sched", "--format", "concise")
    assert said.status == 1
    assert "error[E0220]" in said.err


def test_the_c_the_digests_and_the_review_name_every_file(schedc: Schedc) -> None:
    write(".")
    Path("p.sched").write_text(POLICY)
    assert (
        "from p.sched, which uses classes.sched." in schedc("compile", "--emit", "c", "p.sched").out
    )
    assert schedc("prove", "p.sched", "--proofs", "proofs").status == 0
    index = json.loads(Path("proofs/index.json").read_text())
    assert [source["file"] for source in index["sources"]] == ["p.sched", "web/classes.sched"]
    review = schedc("review", "p.sched").out
    assert "fn is_urgent() = nice < 0" in review
    Path("web/classes.sched").write_text(LIBRARY.replace("< 0", "<= 0"))
    assert schedc("prove", "--recheck", "proofs", "p.sched").status != 0


def test_a_mistake_in_a_library_is_shown_in_its_text(schedc: Schedc) -> None:
    write(".", LIBRARY.replace("nice < 0", "nise < 0"))
    Path("p.sched").write_text(POLICY)
    said = schedc("check", "p.sched")
    assert "web/classes.sched:3:18" in said.err
    assert "p.sched:8:3" in said.err
    assert "used here" in said.err
    (found,) = json.loads(schedc("check", "p.sched", "--format", "json").out)["diagnostics"]
    assert found["primary"]["span"]["file"] == "web/classes.sched"
