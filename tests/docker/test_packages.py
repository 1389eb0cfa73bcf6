"""Which of Debian's packages are asked for, and what else happens; apt is played by a script."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docker" / "packages.sh"
# The one daemon is installed with a service, and notes what it is told about being started.
APT = """\
#!/bin/bash
echo "$*" >>{log}
case "$*" in
  *install*)
    {root}/usr/sbin/policy-rc.d kamailio start; echo "policy $?" >>{log}
    touch {root}/etc/init.d/kamailio
    exit {code} ;;
esac
"""
TOOLS = {
    "id": "echo {uid}",
    "dpkg-query": 'case "${{@: -1}}" in sip-tester) echo installed ;; *) exit 1 ;; esac',
    "update-rc.d": 'echo "update-rc.d $*" >>{log}',
}


class Machine:
    """A root folder, and tools that write what they are asked into ``log``."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._log = folder, folder / "log"
        self.policy = folder / "usr" / "sbin" / "policy-rc.d"
        self.policy.parent.mkdir(parents=True)
        (folder / "etc" / "init.d").mkdir(parents=True)
        (folder / "etc" / "init.d" / "dbus").touch()

    def run(self, *packages: str, uid: int = 0, code: int = 0) -> subprocess.CompletedProcess[str]:
        """``packages.sh`` on it, as a user, with an ``apt-get install`` that ends with ``code``."""
        tools = self._folder / "bin"
        tools.mkdir(exist_ok=True)
        facts = {"root": self._folder, "log": self._log, "uid": uid, "code": code}
        for name, body in {**TOOLS, "apt-get": APT}.items():
            (tools / name).write_text("#!/bin/bash\n" + body.format(**facts), encoding="utf-8")
            (tools / name).chmod(0o755)
        env = {"PATH": f"{tools}:{os.environ['PATH']}", "PACKAGES_ROOT": str(self._folder)}
        command = ["bash", str(SCRIPT), *packages]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    @property
    def log(self) -> list[str]:
        return self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_is_there_is_not_asked_for(machine: Machine) -> None:
    ran = machine.run("sip-tester", uid=1000)
    assert (ran.returncode, ran.stderr, machine.log) == (0, "", [])


def test_without_root_one_line_says_what_to_run(machine: Machine) -> None:
    ran = machine.run("sip-tester", "kamailio", uid=1000)
    assert ran.returncode == 1
    line = "apt-get install -y --no-install-recommends kamailio"
    assert ran.stderr.splitlines()[-1].strip() == line
    assert machine.log == []


@pytest.mark.parametrize("before", [None, "#!/bin/sh\nexit 104\n"])
def test_a_daemon_is_started_neither_now_nor_later(machine: Machine, before: str | None) -> None:
    if before is not None:
        machine.policy.write_text(before, encoding="utf-8")
    ran = machine.run("sip-tester", "kamailio")
    assert ran.returncode == 0, ran.stderr
    assert machine.log == [
        "-qq update",
        "install -y --no-install-recommends kamailio -qq",
        "policy 101",
        "update-rc.d kamailio disable",
    ]
    left = machine.policy.read_text(encoding="utf-8") if machine.policy.exists() else None
    assert left == before
    assert [path.name for path in machine.policy.parent.iterdir()] == (
        [machine.policy.name] * bool(before)
    )


def test_a_failed_installation_leaves_no_policy(machine: Machine) -> None:
    assert machine.run("kamailio", code=100).returncode == 100
    assert not machine.policy.exists()
