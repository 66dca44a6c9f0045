"""Draws what the camera sees in the screenshots: a lamp on a desk, at dusk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Playwright

WIDTH, HEIGHT = 1280, 720
FRAMES = 2  # the fake camera repeats them

# In perspective, out of focus behind, with grain: as a webcam would take it.
SCENE = """<!doctype html>
<style>body { margin: 0; overflow: hidden; }</style>
<svg width="1280" height="720" viewBox="0 0 1280 720" xmlns="http://www.w3.org/2000/svg">
  <defs>
    <linearGradient id="wall" x1="0" x2="1" y2=".6">
      <stop stop-color="#59616c"/><stop offset=".55" stop-color="#8d7f71"/><stop offset="1" stop-color="#4d4a4c"/>
    </linearGradient>
    <linearGradient id="sky" y2="1" x2="0">
      <stop stop-color="#2c4468"/><stop offset=".65" stop-color="#8a8fa8"/><stop offset="1" stop-color="#dba98a"/>
    </linearGradient>
    <linearGradient id="desk" y2="1" x2="0">
      <stop stop-color="#a9774c"/><stop offset="1" stop-color="#4e3220"/>
    </linearGradient>
    <linearGradient id="shade" x1="0" x2="1" y2="0">
      <stop stop-color="#d08c3a"/><stop offset=".4" stop-color="#ffe2a6"/><stop offset="1" stop-color="#b96f2b"/>
    </linearGradient>
    <linearGradient id="brass" x1="0" x2="1" y2="0">
      <stop stop-color="#6b4a1f"/><stop offset=".4" stop-color="#f0cf8b"/><stop offset="1" stop-color="#5a3c17"/>
    </linearGradient>
    <linearGradient id="mug" x1="0" x2="1" y2="0">
      <stop stop-color="#c9d3d1"/><stop offset=".45" stop-color="#f2f1ea"/><stop offset="1" stop-color="#6e7877"/>
    </linearGradient>
    <radialGradient id="glow"><stop stop-color="#ffd991" stop-opacity=".95"/><stop offset=".35" stop-color="#ffc36a"
      stop-opacity=".42"/><stop offset="1" stop-color="#ffb657" stop-opacity="0"/></radialGradient>
    <radialGradient id="corners" r=".75">
      <stop offset=".55" stop-opacity="0"/>    <stop offset="1" stop-opacity=".55"/></radialGradient>
    <filter id="far" x="-20%" y="-20%" width="140%" height="140%"><feGaussianBlur stdDeviation="9"/></filter>
    <filter id="near" x="-30%" y="-30%" width="160%" height="160%"><feGaussianBlur stdDeviation="3"/></filter>
    <filter id="soft" x="-60%" y="-60%" width="220%" height="220%"><feGaussianBlur stdDeviation="14"/></filter>
    <filter id="grain"><feTurbulence type="fractalNoise" baseFrequency=".8" numOctaves="2" seed="3"/>
      <feColorMatrix values="0 0 0 0 .5  0 0 0 0 .5  0 0 0 0 .5  0 .5 0 0 -.1"/></filter>
  </defs>
  <rect width="1280" height="720" fill="url(#wall)"/>
  <g filter="url(#far)">
    <rect x="60" y="-30" width="380" height="420" fill="#3b3f45"/>
    <rect x="78" y="-30" width="160" height="400" fill="url(#sky)"/>
    <rect x="256" y="-30" width="164" height="400" fill="url(#sky)"/>
    <path d="M78 330q60-50 160-20v60H78zM256 320q90-30 164 10v40H256z" fill="#2b3138"/>
    <circle cx="120" cy="300" r="5" fill="#ffd58a"/><circle cx="330" cy="312" r="6" fill="#ffc66f"/>
    <rect x="940" y="110" width="300" height="16" fill="#43352b"/>
    <rect x="966" y="20" width="26" height="90" fill="#7c3f35"/>
    <rect x="994" y="34" width="34" height="76" fill="#c5b28b"/>
    <rect x="1030" y="14" width="22" height="96" fill="#3f5a5b"/>
    <rect x="1056" y="40" width="40" height="70" fill="#8a8f7a"/>
    <path d="M1150 110c-50-30-40-80-10-100 10 30 20 60 20 100zm20 0c-6-50 20-90 60-96-4 40-20 80-44 96z"
      fill="#4f6b4a"/>
  </g>
  <path d="M-40 470h1360l120 260H-160z" fill="url(#desk)"/>
  <ellipse cx="660" cy="560" rx="430" ry="96" fill="url(#glow)" opacity=".8"/>
  <circle cx="650" cy="250" r="430" fill="url(#glow)"/>
  <ellipse cx="690" cy="596" rx="150" ry="22" opacity=".55" filter="url(#soft)"/>
  <g filter="url(#near)">
    <ellipse cx="330" cy="622" rx="92" ry="16" opacity=".5" filter="url(#soft)"/>
    <path d="M262 508h124l-8 96q-54 22-108 0z" fill="url(#mug)"/>
    <ellipse cx="324" cy="508" rx="62" ry="14" fill="#3a281d"/>
    <path d="M386 528q54-4 44 34-8 26-50 26" fill="none" stroke="#aab3b1" stroke-width="14"/>
    <path d="M880 612l260-34 110 66-300 50z" fill="#d9d2c2"/><path d="M880 612l260-34 6 5-262 36z" fill="#8f8877"/>
    <path d="M950 616l150-20M968 632l170-24M990 648l160-24" stroke="#8a8476" stroke-width="3"/>
  </g>
  <ellipse cx="650" cy="586" rx="98" ry="24" fill="#3d2813"/>
  <ellipse cx="650" cy="578" rx="98" ry="24" fill="url(#brass)"/>
  <rect x="642" y="330" width="17" height="250" fill="url(#brass)"/>
  <path d="M556 150h188l62 190q-156 52-312 0z" fill="url(#shade)"/>
  <path d="M556 150q94 22 188 0" fill="none" stroke="#a9682a" stroke-width="4"/>
  <path d="M494 340q156 52 312 0-156 24-312 0z" fill="#fff3cf"/>
  <path d="M576 160l-48 176M620 166l-18 190M680 166l18 190M724 160l48 176" stroke="#b87833"
    stroke-opacity=".35" stroke-width="3"/>
  <circle cx="650" cy="290" r="210" fill="url(#glow)" opacity=".55"/>
  <rect width="1280" height="720" fill="url(#corners)"/>
  <rect width="1280" height="720" filter="url(#grain)" opacity=".3"/>
</svg>
"""


def scene_flag(playwright: Playwright, chromium: str, folder: Path) -> str:
    """Let a browser draw the scene, and return the flag that makes it the picture of another one's camera."""
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_content(SCENE)
    picture = page.screenshot(type="jpeg", quality=92)
    browser.close()
    # Chromium plays a file of pictures, one after the other.
    path = folder / "scene.mjpeg"
    path.write_bytes(picture * FRAMES)
    return f"--use-file-for-fake-video-capture={path}"
