"""``make pjsua2`` for real: a Debian machine, its mirror, two minutes of compiler at the first run.

The wheel comes from this checkout's cache if it is there. Everything is installed into an
environment of the test's own, by the Makefile itself; what ``make run`` and ``make test`` start
in the end is played by scripts.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.legs.sipbuild import SipBuild, look

ROOT = Path(__file__).resolve().parents[2]
PROJECT = """\
[project]
name = "project"
version = "1"
[project.optional-dependencies]
sip = ["pjsua2-python"]
[tool.setuptools]
py-modules = []
"""
PARLEY = """\
#!/bin/sh
echo "parley $*"
"""

pytestmark = [
    pytest.mark.peers,
    pytest.mark.alone,
    pytest.mark.skipif(shutil.which("apt-get") is None, reason="not a Debian machine"),
    pytest.mark.skipif(sys.version_info >= (3, 13), reason="PyPI's pjsua2 ends with Python 3.12"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with nothing in it but the Makefile and the two builds of pjsua2."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "docker" / "pjsua2", tmp_path / "docker" / "pjsua2")
    lock = (ROOT / "requirements-sip.lock").read_text(encoding="utf-8")
    wheel = re.search(r"^pjsua2-python==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert wheel is not None
    (tmp_path / "requirements-sip.lock").write_text(wheel[0], encoding="utf-8")
    (tmp_path / "constraints.txt").touch()
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "requirements-dev.lock").touch()
    (tmp_path / "pytest.py").write_text('print("tests")\n', encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (ROOT / ".cache").mkdir(exist_ok=True)
    (tmp_path / ".cache").symlink_to(ROOT / ".cache")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / ".venv"], check=True)
    parley = tmp_path / ".venv" / "bin" / "parley"
    parley.write_text(PARLEY, encoding="utf-8")
    parley.chmod(0o755)
    return tmp_path


def make(project: Path, *words: str) -> str:
    """What it said; it must succeed."""
    ran = subprocess.run(
        ["make", *words], cwd=project, capture_output=True, text=True, check=False, timeout=900
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


def build_in(project: Path) -> SipBuild | None:
    """Which of the two is installed there."""
    return look(str(project / ".venv" / "bin" / "python"))


def test_the_hardened_build_takes_the_wheels_place_and_keeps_it(project: Path) -> None:
    said = make(project, "run")
    assert "PyPI's: GPL, 4 calls" in said
    assert "parley serve\n" in said
    wheel = build_in(project)
    assert wheel is not None
    assert wheel.loopback_only
    assert wheel.max_calls == 4

    said = make(project, "pjsua2")
    assert "256, then PJ_ETOOMANY" in said
    assert " NO " not in said
    built = build_in(project)
    assert built is not None
    assert built.hardened
    assert built.max_calls == 256

    for words in (["run", "ARGS=sip.port=5070"], ["test"], ["setup"], ["setup", "EXTRAS=sip"]):
        (project / ".venv" / ".sip").unlink(missing_ok=True)  # as a change of the lock file would
        said = make(project, *words)
        assert build_in(project) == built
        assert "GPL" not in said
        assert ("parley serve sip.port=5070" in said) == (words[0] == "run")


def test_the_wheel_does_not_come_after_the_hardened_build(project: Path) -> None:
    make(project, "pjsua2")
    for word in ("run", "test"):
        make(project, word)
        built = build_in(project)
        assert built is not None
        assert built.max_calls == 256


def test_where_pypi_has_no_wheel_browsers_are_served(project: Path) -> None:
    (project / "requirements-sip.lock").write_text("", encoding="utf-8")
    said = make(project, "run")
    assert "make pjsua2 builds it" in said
    assert "parley serve sip.enabled=false\n" in said


def test_the_self_check_refuses_the_wheel(project: Path) -> None:
    make(project, ".venv/.sip")
    check = project / "docker" / "pjsua2" / "selfcheck.py"
    ran = subprocess.run(
        [project / ".venv" / "bin" / "python", check], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    refused = set(re.findall(r"^  NO (.{36})", ran.stdout, re.MULTILINE))
    for what in ("version", "epoll", "asserts off", "OpenSSL 3", "calls at the same time"):
        assert what.ljust(36) in refused
    assert "DTLS offer".ljust(36) in refused
