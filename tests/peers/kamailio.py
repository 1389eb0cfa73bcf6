"""Kamailio (Debian: ``kamailio``) as the proxy in front of a gateway, and as its registrar."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from tests.peers.exchange import free_port

HOST = "127.0.0.2"  # so that it can be told from those who call through it
REALM, USER, PASSWORD = "parley.test", "parley", "open sesame"
_CONFIG = """\
#!KAMAILIO
debug=1
log_stderror=yes
children=1  # more would overtake each other: a 180 comes after its 200
tcp_children=1
listen=udp:{host}:{port}
listen=tcp:{host}:{port}
tcp_source_ipv4={host}
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "sanity.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "dispatcher.so"
modparam("registrar", "max_expires", 300)
modparam("dispatcher", "list_file", "{folder}/dispatcher.list")
modparam("dispatcher", "flags", 2)  # keeps the other gateways, to be tried in their turn

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (!sanity_check()) {{ exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (has_totag()) {{
        if (loose_route() || (is_method("ACK") && t_check_trans())) {{ t_relay(); }}
        else if (!is_method("ACK")) {{ sl_send_reply("404", "Not Here"); }}
        exit;
    }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{realm}", "{password}", "0")) {{
            www_challenge("{realm}", "1");
            exit;
        }}
        save("location");
        exit;
    }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    record_route();
    if ($fU == "{user}") {{  # what the gateway dials
        if (!pv_proxy_authenticate("{realm}", "{password}", "0")) {{
            proxy_challenge("{realm}", "1");
            exit;
        }}
        consume_credentials();
        $du = "{outside}";
    }} else if ($rU == "{user}") {{  # calls to where the gateway has registered
        if (!lookup("location")) {{ sl_send_reply("480", "Not Registered"); exit; }}
    }} else {{
        if (!ds_select_dst("1", "8")) {{ sl_send_reply("503", "No Gateway"); exit; }}
        t_on_failure("ANOTHER");
    }}
    t_relay();
}}

failure_route[ANOTHER] {{
    if (!t_is_canceled() && t_check_status("503|408") && ds_next_dst()) {{
        t_on_failure("ANOTHER");
        t_relay();
    }}
}}
"""


def _modules() -> Path | None:
    return next(Path("/usr/lib").glob("*/kamailio/modules"), None)


def has_kamailio() -> bool:
    """Whether it is installed, with its modules."""
    return shutil.which("kamailio") is not None and _modules() is not None


class Kamailio:
    """A proxy for one test. It runs in the foreground and keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self.port = free_port()

    async def start(self, *gateways: str, outside: str = "sip:127.0.0.1:9") -> Kamailio:
        """Send calls that come in to the first of ``gateways``, or the next if it refuses.

        What a gateway dials goes to ``outside``. All are SIP URIs.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        listed = [f"1 {uri} 0 {len(gateways) - n}\n" for n, uri in enumerate(gateways)]
        (self._folder / "dispatcher.list").write_text("".join(listed), encoding="utf-8")
        config = self._folder / "kamailio.cfg"
        config.write_text(
            _CONFIG.format(
                host=HOST,
                port=self.port,
                modules=_modules(),
                folder=self._folder,
                outside=outside,
                realm=REALM,
                user=USER,
                password=PASSWORD,
            ),
            encoding="utf-8",
        )
        with (self._folder / "kamailio.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("kamailio", "-f", str(config), "-DD", "-E", "-m", "32", "-M", "4"),
                *("-Y", str(self._folder), "-P", str(self._folder / "pid")),
                stdout=log,
                stderr=log,
            )
        await self._listening()
        return self

    async def close(self) -> None:
        """End it and its children."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def log(self) -> str:
        """What it said of itself."""
        return (self._folder / "kamailio.log").read_text(encoding="utf-8", errors="replace")

    async def _listening(self) -> None:
        async with asyncio.timeout(10):
            while True:
                assert self._process is not None
                assert self._process.returncode is None, self.log()
                try:
                    _, writer = await asyncio.open_connection(HOST, self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return
