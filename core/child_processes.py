"""How the processes that load models are started."""

from __future__ import annotations

import os

ENGINE = "emotui.core.engine.server"
WORKER = "emotui.core.engine.worker"


def environment(*, offline: bool = False) -> dict[str, str]:
    """Return the environment of a process that loads models: this process's own, made quiet, and closed to the hubs where `offline`."""
    # Read when the libraries are imported, so they are set here rather than in that process.
    settings = {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",  # it goes around HF_ENDPOINT
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
    }
    if offline:
        settings |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return {"TOKENIZERS_PARALLELISM": "true", **os.environ, **settings}
