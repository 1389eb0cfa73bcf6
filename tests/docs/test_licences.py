"""``docs/licences.md`` and ``NOTICE`` against pins, dependencies and files."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from bot.engines.embedded.pins import WEIGHTS
from bot.engines.embedded.weights import Weight

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda weight: weight.path)
def test_every_pinned_file_is_listed_with_its_hash(weight: Weight) -> None:
    (row,) = [line for line in PAGE.splitlines() if f"| `{weight.path}`" in line]
    assert f"`{weight.sha256}`" in row
    assert weight.licence in row
    assert not weight.name or f"`{weight.name}`" in row


def test_every_package_with_weights_is_described() -> None:
    described = set(re.findall(r"^### (\S+)", PAGE, re.MULTILINE))
    assert {weight.package.split("==")[0] for weight in WEIGHTS} <= described


def test_every_direct_dependency_is_listed_as_wanted() -> None:
    table = PAGE.split("## Direct dependencies\n")[1].split("\n## ")[0]
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    listed = re.findall(r"^\| ([\w.-]+) \| `([^`]+)` \|", table, re.MULTILINE)
    wanted = [
        tuple(
            part.strip() for part in re.split(r"(?<=\w)(?=[\[=<>])", line.split(";")[0], maxsplit=1)
        )
        for group in groups
        for line in group
    ]
    assert sorted(listed) == sorted(wanted)


def test_the_notice_names_files_that_are_there_with_their_hashes() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    named = re.findall(r"^(\w\S*/\S+)\n.*?SHA-256 (\w{64})", notice, re.MULTILINE | re.DOTALL)
    assert named
    for path, sha256 in named:
        assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == sha256
