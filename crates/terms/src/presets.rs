//! Schedules and definitions that well-known services publish, each with its source.
