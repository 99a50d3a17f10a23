//! Reading the file: what breaks a rule is refused with its field's name.

use std::path::{Path, PathBuf};

use super::services::{self, ServiceError};
use super::{Config, alias, policy, probe, vantages};

/// The longest publication delay: 90 days.
const MAX_PUBLICATION_DELAY_S: u64 = 90 * 86_400;

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The configuration file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a field of the wrong shape; the message names line and field.
    #[error("{}: {source}", path.display())]
    Malformed {
        /// The configuration file.
        path: PathBuf,
        /// What the parser said.
        source: Box<toml::de::Error>,
    },
    /// A field breaks a rule.
    #[error("{}: {field}: {rule}", path.display())]
    Invalid {
        /// The configuration file.
        path: PathBuf,
        /// The field's path.
        field: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A configured service breaks a rule.
    #[error("{}: service {service:?}: {error}", path.display())]
    Service {
        /// The configuration file.
        path: PathBuf,
        /// The service's name.
        service: String,
        /// What is wrong with it.
        error: ServiceError,
    },
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// Names the file, and the line or field with the rule that it breaks.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source: Box::new(source) })?;
        config.check().map_err(|(field, rule)| ConfigError::Invalid {
            path: path.to_owned(),
            field: field.to_owned(),
            rule,
        })?;
        services::check_services(&mut config.services).map_err(|(service, error)| ConfigError::Service {
            path: path.to_owned(),
            service,
            error,
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.data_dir = folder.join(&config.data_dir);
        config.journal = config.journal.map(|journal| folder.join(journal));
        config.checkpoint_copy = config.checkpoint_copy.map(|file| folder.join(file));
        config.passphrase_file = config.passphrase_file.map(|file| folder.join(file));
        config.probe.extra_roots = config.probe.extra_roots.map(|file| folder.join(file));
        config.policy.token_file = config.policy.token_file.map(|file| folder.join(file));
        Ok(config)
    }

    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        rule(is_label(&self.vantage), "vantage", "must be 1 to 32 characters of a-z, 0-9 and -")?;
        rule(
            self.publication_delay_s <= MAX_PUBLICATION_DELAY_S,
            "publication_delay_s",
            "must be at most 90 days",
        )?;
        self.limits.check()?;
        policy::check_requesters(&self.policy, &self.requesters)?;
        self.rate.check()?;
        alias::check(&self.aliases)?;
        probe::check(self)?;
        vantages::check(self)
    }
}

pub(super) fn rule<T>(holds: bool, field: T, text: T) -> Result<(), (T, T)> {
    if holds { Ok(()) } else { Err((field, text)) }
}

pub(super) fn is_label(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
