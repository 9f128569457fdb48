//! config.toml and the folders.
