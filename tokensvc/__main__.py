"""Runs the `tokensvc` command as `python -m tokensvc`."""

from tokensvc.cli import main

if __name__ == "__main__":
    main()
