"""What an operator decides: the TOML file and its profiles, and the environment."""
