//! Models on this machine.
