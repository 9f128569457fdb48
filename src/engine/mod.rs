//! The compute task.
