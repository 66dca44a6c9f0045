"""What an operator configures: the TOML file and its profiles, and the environment."""
