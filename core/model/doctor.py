"""What the model libraries report about this machine."""

from __future__ import annotations

from importlib import metadata

import torch

from ..cores import cores
from ..questions import DoctorAnswer
from . import device, model_config

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
    return DoctorAnswer(versions, tuple(devices), torch.get_num_threads(), str(folder) if folder else "")


def _precisions(name: str) -> dict[str, str]:
    return {
        "train": device.choose(name, "auto", training=True).precision,
        "baseline": device.choose(name, "auto").precision,
    }
