"""`python -m tokensvc` is `tokensvc`."""

from tokensvc.cli import main

if __name__ == "__main__":
    main()
