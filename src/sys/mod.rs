//! What only the system can do.
