"""What the model libraries report about this machine."""

from __future__ import annotations

from importlib import metadata

import torch

from ..cores import cores
from ..questions import DoctorAnswer
from . import device, model_config, timed

LIBRARIES = (
    "emotui",
    "torch",
    "transformers",
    "accelerate",
    "datasets",
    "tokenizers",
    "huggingface_hub",
    "modelscope",
    "scikit-learn",
    "numpy",
    "pandas",
    "pyarrow",
    "textual",
    "plotext",
)
TITLES: dict[timed.Kind, str] = {"train": "training", "forward": "hidden states"}
"""What was timed, for people."""


def examine() -> DoctorAnswer:
    """Return library versions, devices with their memory in bytes, and the folder of the starter encoder."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    devices: list[dict[str, str | int | float | bool | None]] = [
        {"device": "cpu", "name": device.cpu_name(), "cores": cores(), **_precisions("cpu")}
    ]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(index)
        devices.append(
            {
                "device": f"cuda:{index}",
                "name": torch.cuda.get_device_name(index),
                "memory_free": free,
                "memory_total": total,
                **_precisions(f"cuda:{index}"),
            }
        )
    folder = model_config.starter_folder()
    chosen = tuple(f"{each.model}, {TITLES[each.kind]}: {each.choice}" for each in timed.kept().values())
    return DoctorAnswer(versions, tuple(devices), torch.get_num_threads(), str(folder) if folder else "", chosen)


def _precisions(name: str) -> dict[str, str]:
    usual = device.choose(name, "auto")
    known = dict.fromkeys(TITLES, usual.precision)
    if usual.is_open:
        known |= {kind: found.precision for kind in TITLES if (found := timed.latest(kind)) is not None}
    return {
        "train": known["train"],
        "baseline": known["forward"],
    }
