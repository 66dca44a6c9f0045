"""Measures how long a page takes from a press to live, and how much of that it adds itself."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from browser.visitor import Visitor

STEPS = ("microphone", "mint", "open", "setup", "press")


@dataclass(frozen=True)
class PressToLive:
    """Medians in milliseconds.

    *steps* are the microphone, the token, the socket, its setup, and all from the press. *beside*
    is what the press took beyond the longer of microphone and token, then socket and setup.
    """

    steps: dict[str, float]
    beside: float

    def __str__(self) -> str:
        steps = ", ".join(f"{name} {ms:.1f}" for name, ms in self.steps.items())
        return f"{steps}; {self.beside:.1f} ms beside"


def press_to_live(visitor: Visitor, times: int) -> PressToLive:
    """Start a session in the visitor's page this many times; microphone and token in parallel."""
    starts = visitor.page.evaluate(
        """async (times) => {
          const { LiveSession } = await import('/live/session.js');
          const devices = navigator.mediaDevices;
          const ask = devices.getUserMedia.bind(devices);
          let took = {};
          devices.getUserMedia = async (wanted) => {
            const asked = performance.now();
            const stream = await ask(wanted);
            took.microphone = performance.now() - asked;
            return stream;
          };
          const session = new LiveSession({ token: '/token' });
          session.addEventListener('timing', ({ detail }) => {
            took[detail.name] = detail.milliseconds;
          });
          await session.warm();
          const starts = [];
          for (let i = 0; i < times; i += 1) {
            took = {};
            const pressed = performance.now();
            await session.start();
            starts.push({ ...took, press: performance.now() - pressed });
            session.close();
            for (const each of Object.values(opened)) each.length = 0;
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
          return starts;
        }""",
        times,
    )
    needed = [max(start["microphone"], start["mint"]) + start["open"] + start["setup"] for start in starts]
    steps = {name: median(start[name] for start in starts) for name in STEPS}
    return PressToLive(steps, steps["press"] - median(needed))
