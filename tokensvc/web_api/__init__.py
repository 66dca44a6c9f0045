"""The HTTP layer: only this package and the modules that import it use Flask."""
