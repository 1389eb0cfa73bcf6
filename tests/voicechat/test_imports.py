"""The model and its benchmarks run on a bare GPU machine: what they import, all of it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALLOWED = {"torch", "transformers", "safetensors", "tokenizers", "numpy", "huggingface_hub"}
"""The last comes with transformers."""


def imported(file: Path) -> Iterator[str]:
    """Full names of modules, those within functions included."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield str(node.module)
            yield from (f"{node.module}.{one.name}" for one in node.names)


def own(name: str) -> Path | None:
    """The file of a module of ours."""
    path = ROOT / name.replace(".", "/")
    found = [one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()]
    return found[0] if found else None


def test_nothing_else_is_imported_by_the_model_or_its_benchmarks() -> None:
    waiting = [*ROOT.glob("bot/voicechat/*.py"), *ROOT.glob("benchmarks/voicechat_*.py")]
    assert len(waiting) > 30
    seen, others = set(waiting), set()
    while waiting:
        for name in imported(waiting.pop()):
            top = name.partition(".")[0]
            if (file := own(name)) is not None and file not in seen:
                seen.add(file)
                waiting.append(file)
            if not (ROOT / top).is_dir() and top not in sys.stdlib_module_names:
                others.add(top)
    assert others == ALLOWED
    assert ROOT / "bot" / "errors.py" in seen
