//! What only the system can do.

pub mod pool;
