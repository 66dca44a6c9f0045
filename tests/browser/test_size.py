"""The widget's weight, as a browser loads it from our gunicorn and the wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.size import BEFORE_REACH, CONVERSATION, LOADER, loader_bytes, spoken_only, table, weigh

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller
    from browser.hosting import Site
    from programs import Program


def test_widget_stays_within_its_size_budget(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
    from_wheel: dict[str, str],
) -> None:
    """The button and a whole conversation."""
    service = start_service(spoken_only(site), emulator.url, workers=1, **from_wheel)
    weight = weigh(call(service=service), service)
    names = {path.split("/", 3)[3] for path in weight.after}
    assert {"live/media/audio-worklet.js", "live/session.js"} <= names
    assert [name for name in names if name.startswith("widget/locales/")] == ["widget/locales/en.js"]
    assert loader_bytes(service) <= LOADER
    assert weight.button <= BEFORE_REACH, table(weight)
    assert weight.conversation <= CONVERSATION, table(weight)
