"""One way to open an ONNX model, so that every part computes alike."""

from __future__ import annotations

import os
from pathlib import Path

# Importing it (1.32) makes a device id and a database of events in the user's cache, to be
# sent to its maker; only this, set before the import, keeps it from that.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime


def open_model(model: Path | bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """A session on the CPU that may be run from several threads at once.

    One thread by default: calls run side by side, and sums then always add up in one order, so
    that a replay gives the same bits. Spinning is off: it would burn the cores between turns.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    # The arena never gives back: with it 130 MB more after three threads, and no faster.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3  # errors only: the models' own warnings help nobody
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
