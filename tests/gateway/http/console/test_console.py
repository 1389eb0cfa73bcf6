"""The console's files: whole, without anything foreign or inline, and true to the gateway."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

import gateway.outcome

HERE = Path(__file__).parent
CONSOLE = Path(gateway.outcome.__file__).parent / "http" / "console"
MODULES = sorted(CONSOLE.glob("*.js"))
STYLES = sorted(CONSOLE.glob("*.css"))
PAGE = (CONSOLE / "index.html").read_text(encoding="utf-8")
OLDEST_NODE = (20, 19)  # the first that takes a .js file for the module it is
_OUTCOME = re.compile(r"^(none|caller|carrier|bot|gateway) +([a-z-]+)  ", re.MULTILINE)


def node() -> str:
    """Where Node.js is; skips the test if it is not here, or too old."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("the console's modules are tested with Node.js, which is not installed")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = (int(part) for part in said.strip().removeprefix("v").split(".")[:2])
    if (major, minor) < OLDEST_NODE:
        pytest.skip(f"the console's modules are tested with Node.js 20.19 or newer, not {said}")
    return path


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.mjs")), ids=lambda file: str(file.name))
def test_modules_without_a_browser(file: Path) -> None:
    run = subprocess.run(
        [node(), "--test", "--test-reporter=tap", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("file", [*MODULES, *STYLES], ids=lambda file: str(file.name))
def test_files_are_small(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 200


def test_every_outcome_has_its_words() -> None:
    outcomes = _OUTCOME.findall(gateway.outcome.__doc__ or "")
    assert len(outcomes) > 15
    wording = (CONSOLE / "wording.js").read_text(encoding="utf-8")
    for fault, reason in outcomes:
        assert f'"{fault}/{reason}"' in wording


def test_nothing_is_inline() -> None:
    """The server's Content-Security-Policy refuses such things."""
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", PAGE)
    assert re.findall(r"<script[^>]*>", PAGE) == ['<script type="module" src="console/app.js">']
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        assert not re.search(
            r"\beval\(|new Function|innerHTML|insertAdjacentHTML|setAttribute\(\"style", text
        )


def test_nothing_comes_from_elsewhere() -> None:
    for file in CONSOLE.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z0-9-]+\.[a-z]{2,}/|@import|url\(", text), file.name


def test_everything_named_is_there() -> None:
    for name in re.findall(r'(?:src|href)="console/([^"#]+)', PAGE):
        assert (CONSOLE / name).is_file(), name
    for module in MODULES:
        for name in re.findall(r'from "\./([^"]+)"', module.read_text(encoding="utf-8")):
            assert (CONSOLE / name).is_file(), f"{module.name}: {name}"


def test_every_import_is_exported() -> None:
    exported = {
        module.name: set(
            re.findall(
                r"^export (?:async )?(?:function|class|const) (\w+)",
                module.read_text(encoding="utf-8"),
                re.MULTILINE,
            )
        )
        for module in MODULES
    }
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        for names, source in re.findall(r'import \{([^}]+)\} from "\./([^"]+)"', text):
            for name in (part.strip() for part in names.split(",")):
                assert name in exported[source], f"{module.name}: {name}"
                assert len(re.findall(rf"\b{name}\b", text)) > 1, f"{module.name}: {name} unused"


def test_every_drawing_is_well_formed_and_there() -> None:
    drawings = re.search(r"<svg hidden>(.*?)</svg>", PAGE, re.DOTALL)
    assert drawings is not None
    tree = ElementTree.fromstring(f"<svg>{drawings[1]}</svg>")
    symbols = {str(symbol.get("id")).removeprefix("icon-") for symbol in tree}
    ElementTree.parse(CONSOLE / "mark.svg")
    text = "\n".join(module.read_text(encoding="utf-8") for module in MODULES)
    used = set(re.findall(r'(?:icon|round)\("([a-z-]+)"', text))
    used |= {
        name for pair in re.findall(r'\? "([a-z-]+)" : "([a-z-]+)"\)\)', text) for name in pair
    }
    assert used == symbols


def test_text_can_be_read_in_both_schemes() -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1 between text and what is behind it."""
    base = (CONSOLE / "base.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part))
        for part in base.split("prefers-color-scheme: dark", 1)
    )
    pairs = [
        (ink, ground)
        for ink in ("ink", "faint", "caller", "bot", "fault", "go")
        for ground in ("paper", "sheet")
    ]
    pairs += [
        ("on-colour", "go"),
        ("on-colour", "fault"),
        ("ink", "bot-tint"),
        ("ink", "caller-tint"),
    ]
    for scheme in (light, dark):
        for ink, ground in pairs:
            assert _contrast(scheme[ink], scheme[ground]) >= 4.5, (ink, ground)


def _contrast(one: str, other: str) -> float:
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance of sRGB (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
