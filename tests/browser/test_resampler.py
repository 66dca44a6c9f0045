"""The resampler as the service sends it to browsers, rather than as it is in web/."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from programs import Program

SWEEP = Path(__file__).parents[1] / "web" / "live" / "media" / "pcm.test.js"


def test_the_served_resampler_meets_its_specification(service: Program, tmp_path: Path) -> None:
    """Flat to 7 kHz, 60 dB down from 8.6 kHz, and cheap, from 44.1, 48 and 96 kHz."""
    served = tmp_path / "pcm.mjs"
    served.write_bytes(service.get("/live/media/pcm.js").body)
    swept = subprocess.run(
        ["node", "--test", "--test-reporter=tap", SWEEP],
        env=os.environ | {"PCM_MODULE": served.as_uri()},
        capture_output=True,
        text=True,
        check=False,
    )
    print(*(line for line in swept.stdout.splitlines() if "of a core" in line), sep="\n")  # noqa: T201 - figures
    assert swept.returncode == 0, swept.stdout
