"""The resampler as the wheel carries it, minified, rather than as it is in web/."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SWEEP = Path(__file__).parents[1] / "web" / "live" / "media" / "pcm.test.js"


def test_minified_resampler_meets_its_specification(from_wheel: dict[str, str], tmp_path: Path) -> None:
    """Flat to 7 kHz, 60 dB down from 8.6 kHz, and cheap, from 44.1, 48 and 96 kHz."""
    carried = Path(from_wheel["PYTHONPATH"], "tokensvc", "web", "live", "media", "pcm.js")
    module = shutil.copy(carried, tmp_path / "pcm.mjs")
    swept = subprocess.run(
        ["node", "--test", "--test-reporter=tap", SWEEP],
        env=os.environ | {"PCM_MODULE": module.as_uri()},
        capture_output=True,
        text=True,
        check=False,
    )
    print(*(line for line in swept.stdout.splitlines() if "of a core" in line), sep="\n")  # noqa: T201 - figures
    assert swept.returncode == 0, swept.stdout
