"""Builds the files of a release into dist/, from the last commit; publishes nothing.

They are the wheel, the sdist, the npm package, an SBOM (CycloneDX) for each of the two packages,
and SHA256SUMS. The same commit built with the same tools gives the same bytes. `make release`
installs what this needs and runs it; with DRAFT=1 it ignores CHANGELOG.md, to try things out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CLONE = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def faults(clone: Path, *, draft: bool) -> list[str]:
    """Return what has to be fixed in *clone* before it can be released, a sentence for each."""
    project = tomllib.loads((clone / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = json.loads((clone / "web/package.json").read_text(encoding="utf-8"))
    version = project["version"]
    found = []
    if changes := _output("git", "status", "--porcelain", folder=clone):
        found.append(f"The work tree is not clean. Commit or remove these first:\n{changes}")
    if package["version"] != version:
        found.append(
            f"The versions differ: {version} in pyproject.toml, {package['version']} in"
            " web/package.json. Make them equal."
        )
    changelog = (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (.*)$", changelog, re.MULTILINE)
    heading = newest[1] if newest else ""
    if not draft and not re.fullmatch(re.escape(version) + r" - \d{4}-\d\d-\d\d", heading):
        today = datetime.now(UTC).date()
        found.append(
            f"CHANGELOG.md: the newest heading is “{heading}”. Change it to “{version} - {today}”"
            " and commit, or try things out with “make release DRAFT=1”."
        )
    return found


def build(clone: Path, output: Path) -> None:
    """Build all files of the last commit of *clone* into the folder *output*.

    Raises subprocess.CalledProcessError if a command fails, which has then said why.
    """
    epoch = _output("git", "log", "-1", "--format=%ct", folder=clone)
    environment = os.environ | {"SOURCE_DATE_EPOCH": epoch}
    with TemporaryDirectory() as folder:
        source = _export(clone, Path(folder))
        _build_python_package(source, output, environment)
        # esbuild and tsc, for the npm package, are those that the tests use.
        (source / "web/node_modules").symlink_to(clone / "tests/node_modules")
        _build_npm_package(source, output, environment)
        _write_python_sbom(source, output, environment)
        _write_npm_sbom(source, output, environment)
    _write_checksums(output)


def _export(clone: Path, folder: Path) -> Path:
    """Unpack the last commit to *folder*, without anything that Git ignores."""
    source, archive = folder / "source", folder / "source.tar"
    _run("git", "archive", "--output", archive, "HEAD", folder=clone)
    with tarfile.open(archive) as tar:
        tar.extractall(source, filter="data")
    return source


def _build_python_package(source: Path, output: Path, environment: dict[str, str]) -> None:
    """Build the sdist, and from it the wheel, with the locked version of each build tool."""
    _run(
        *(BIN / "uv", "build", "--out-dir", output, "--require-hashes"),
        *("--build-constraints", source / "tools/requirements.txt"),
        folder=source,
        env=environment,
    )
    (output / ".gitignore").unlink(missing_ok=True)  # uv adds one


def _build_npm_package(source: Path, output: Path, environment: dict[str, str]) -> None:
    _run(
        *("npm", "pack", "--loglevel=error", "--foreground-scripts=false"),
        *("--pack-destination", output),
        folder=source / "web",
        env=environment,
    )


def _write_python_sbom(source: Path, output: Path, environment: dict[str, str]) -> None:
    """Write the SBOM of the locked dependencies, as they are installed on this platform.

    Only installed packages tell their licenses and what they depend on.
    """
    installed = source.parent / "installed"
    python = installed / "bin/python"
    _run(BIN / "uv", "venv", "-q", "--python", sys.executable, installed)
    _run(
        *(BIN / "uv", "pip", "install", "-q", "--python", python, "--require-hashes"),
        *("-r", source / "requirements.txt"),
    )
    _run(
        *(BIN / "cyclonedx-py", "environment", python, "--pyproject", source / "pyproject.toml"),
        *("--output-reproducible", "--output-file", _sbom(output, "*.tar.gz")),
        env=environment,
    )


def _write_npm_sbom(source: Path, output: Path, environment: dict[str, str]) -> None:
    """Write the SBOM of the npm package, which must not depend on any other package."""
    package = json.loads((source / "web/package.json").read_text(encoding="utf-8"))
    del package["devDependencies"]  # not installed with the package; npm would miss them
    folder = source.parent / package["name"]  # npm takes the component's name from it
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    command = ["npm", "sbom", "--sbom-format", "cyclonedx", "--sbom-type", "library"]
    sbom: dict[str, Any] = json.loads(_output(*command, folder=folder))
    # What differs in each run.
    del sbom["serialNumber"]
    built = datetime.fromtimestamp(int(environment["SOURCE_DATE_EPOCH"]), UTC)
    sbom["metadata"]["timestamp"] = built.isoformat()
    # There is no dependency: the list is complete, and not only empty for want of knowledge.
    root = sbom["metadata"]["component"]["bom-ref"]
    sbom["compositions"] = [{"aggregate": "complete", "dependencies": [root]}]
    _sbom(output, "*.tgz").write_text(json.dumps(sbom, indent=2) + "\n", encoding="utf-8")


def _sbom(output: Path, pattern: str) -> Path:
    """Return the path of the SBOM beside the package that matches *pattern*."""
    (package,) = output.glob(pattern)
    return output / (package.name.removesuffix(pattern[1:]) + ".cdx.json")


def _write_checksums(output: Path) -> None:
    """Write SHA256SUMS, which `sha256sum --check` reads."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(output.iterdir())]
    (output / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def _run(*command: str | Path, folder: Path = CLONE, env: dict[str, str] | None = None) -> None:
    subprocess.run([str(word) for word in command], cwd=folder, env=env, check=True)


def _output(*command: str, folder: Path) -> str:
    printed = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return printed.stdout.rstrip()


def main() -> int:
    """Check the clone, build the files, and replace dist/ by them; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draft", action="store_true", help="ignore CHANGELOG.md")
    draft = parser.parse_args().draft
    if found := faults(CLONE, draft=draft):
        print("This is not ready to be released.", *found, sep="\n", file=sys.stderr)
        return 1
    os.umask(0o022)  # npm keeps the modes of the files that it packs
    with TemporaryDirectory() as folder:
        output = Path(folder, "dist")
        output.mkdir()
        try:
            build(CLONE, output)
        except subprocess.CalledProcessError as failure:
            print(f"This failed: {shlex.join(failure.cmd)}", file=sys.stderr)
            return 1
        shutil.rmtree(CLONE / "dist", ignore_errors=True)
        shutil.move(output, CLONE / "dist")
    for file in sorted((CLONE / "dist").iterdir()):
        print(f"{file.stat().st_size:>9,}  dist/{file.name}")
    if draft:
        print("This is a draft. Do not publish it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
