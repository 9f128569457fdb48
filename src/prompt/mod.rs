//! Messages to token ids.
