"""What the tests of models share."""

from __future__ import annotations

from pathlib import Path

import pytest
from emotui.core.runs.folder import RunFolder


@pytest.fixture
def ladder_run(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> RunFolder:
    """A finished baseline with all its rungs, of the tiny model on the tiny data."""
    from emotui.core.data import sources
    from emotui.core.model import baseline
    from emotui.core.runs import folder
    from emotui.core.specs import BaselineSpec, DataSpec

    spec = DataSpec(str(tiny_data))
    known = sources.load(spec)
    job = BaselineSpec(spec, str(tiny_model), device="cpu", precision="float32")
    made = folder.create(job, data_hash=sources.fingerprint(known), labels=known.labels, versions={})
    assert baseline.fit(job, made, lambda _: None, lambda: False)
    return made
