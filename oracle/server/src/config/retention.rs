//! How long things are kept as they came.

use serde::Deserialize;

/// How long things are kept as they came.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Samples of an attested event move into a compact form so many days after its window. Everything that evidence is
    /// made of stays. `None`: never.
    pub raw_samples_days: Option<u64>,
}
