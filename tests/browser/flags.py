"""Chromium's flags: for any test, with fake devices, and with every permission granted."""

from __future__ import annotations

# What Playwright turns off, because only the last flag of this kind counts.
_BY_PLAYWRIGHT = [
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
]
# The suggestions below the address bar are pages, which every window loads: half of the CPU time of a short test.
_ADDRESS_BAR = ["WebUIOmniboxAimPopup", "WebUIOmniboxPopup"]

FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--disable-features={','.join(_BY_PLAYWRIGHT + _ADDRESS_BAR)}",
]
FAKE_DEVICES = ["--use-fake-device-for-media-stream"]
ALLOWED = ["--use-fake-ui-for-media-stream"]
