"""The configuration: one frozen object, layered defaults < keeper.toml < .env < environment < flags."""
