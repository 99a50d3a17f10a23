//! The keys of an oracle: the one that new events are announced with, and older ones whose events are still open.
//!
//! `keys.json` in the data folder says which there are, in their order, and is replaced whole: a rotation has happened when
//! it is there, and not before. An oracle that never changed its key has no such file.

mod file;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use evidence::LogKey;
use secp256k1_zkp::XOnlyPublicKey;
use signer::{Expected, KeyError, KeyOptions, OracleKey, Passphrase, Rotation};

use crate::config::Config;
use crate::operating::durable;
use file::{KeyList, Record};

/// Keys that an oracle has had, at most. One a day for two years is less.
const MAX_KEYS: usize = 1_000;

/// The list of keys, in the data folder.
const LIST: &str = "keys.json";
/// The log's key, beside it.
const LOG: &str = "log.key";

/// All keys of an oracle.
#[derive(Debug)]
pub struct Keyring {
    /// Oldest first; the last one is the current one.
    records: Vec<Record>,
    /// Those that are not retired.
    keys: Vec<Arc<OracleKey>>,
    current: Arc<OracleKey>,
    log_key: Arc<LogKey>,
}

impl Keyring {
    /// Loads all keys that are not retired.
    ///
    /// # Errors
    /// When one is missing or can't be opened, or the list of keys was changed.
    pub fn load(config: &Config, simulated: bool, passphrase: Option<&Passphrase>) -> anyhow::Result<Self> {
        let expected = Expected { network: config.network.name(), simulated };
        let load = |file: &str| OracleKey::load(&config.data_dir.join(file), passphrase, &expected);
        let unusable = |file: &str| format!("the key {} can't be used", config.data_dir.join(file).display());
        let Some(list) = KeyList::read(&list_file(config))? else {
            let key = Arc::new(load(file::FIRST).map_err(|error| {
                let hint = if error.is_missing() { "; `earnest-oracle init` makes one" } else { "" };
                anyhow::Error::from(error).context(unusable(file::FIRST) + hint)
            })?);
            let log_key = Arc::new(signer::log_key(&key)?);
            let records = vec![Record::first(&key, log_key.public())];
            return Ok(Self { records, keys: vec![Arc::clone(&key)], current: key, log_key });
        };
        let records = list.records;
        let mut keys = Vec::new();
        for record in records.iter().filter(|record| !record.retired) {
            let key = load(&record.file).with_context(|| unusable(&record.file))?;
            if key.public() != record.public {
                bail!("the key {} is not the one that keys.json names", record.file);
            }
            keys.push(Arc::new(key));
        }
        let (Some(first), Some(current)) = (records.first(), keys.last().cloned()) else {
            bail!("keys.json names no key in use");
        };
        let path = log_file(config);
        let log_key = signer::read_log_key(&path, &first.public, passphrase)
            .with_context(|| format!("the log's key {}", path.display()))?;
        Ok(Self { records, keys, current, log_key: Arc::new(log_key) })
    }

    /// As [`Self::load`], for a command that does nothing with time.
    ///
    /// # Errors
    /// As there.
    pub fn load_of_any_time(config: &Config, passphrase: Option<&Passphrase>) -> anyhow::Result<Self> {
        Self::load(config, false, passphrase).or_else(|error| match error.downcast_ref::<KeyError>() {
            Some(KeyError::Simulated { key: true, .. }) => Self::load(config, true, passphrase),
            _ => Err(error),
        })
    }

    /// The names of the files that hold an oracle's keys, in a folder that has them; the list of keys last.
    ///
    /// # Errors
    /// When the list was changed.
    pub fn files_in(folder: &Path) -> anyhow::Result<Vec<String>> {
        let Some(list) = KeyList::read(&folder.join(LIST))? else { return Ok(vec![file::FIRST.to_owned()]) };
        let keys = list.records.into_iter().filter(|record| !record.retired).map(|record| record.file);
        Ok(keys.chain([LOG, LIST].map(str::to_owned)).collect())
    }

    /// What new events are announced with.
    pub fn current(&self) -> &Arc<OracleKey> {
        &self.current
    }

    /// The first key that there was: journal and log are named after it.
    pub fn first(&self) -> XOnlyPublicKey {
        self.records.first().map_or_else(|| self.current.public(), |record| record.public)
    }

    /// The key of that name, unless it is retired or none of ours.
    pub fn of(&self, public: &XOnlyPublicKey) -> Option<&Arc<OracleKey>> {
        self.keys.iter().find(|key| key.public() == *public)
    }

    /// The log's key, which stays when keys change.
    pub fn log_key(&self) -> &Arc<LogKey> {
        &self.log_key
    }

    /// A key's signature over the log's key, also of one that is retired.
    pub fn log_key_signature(&self, public: &XOnlyPublicKey) -> Option<String> {
        let record = self.records.iter().find(|record| record.public == *public)?;
        Some(record.log_key_signature.to_string())
    }

    /// All keys, oldest first: whether each is retired, and how it came after the one before.
    pub fn statements(&self) -> impl Iterator<Item = (XOnlyPublicKey, bool, Option<&Rotation>)> {
        self.records.iter().map(|record| (record.public, record.retired, record.rotation.as_ref()))
    }

    /// Makes a new key and lets it take the current one's place. Until the list of keys is replaced nothing has changed; a
    /// key that was made for a rotation that was cut off is used by the next.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn rotate(
        self,
        config: &Config,
        passphrase: Option<Passphrase>,
        now_s: u64,
    ) -> anyhow::Result<Rotation> {
        if self.records.len() >= MAX_KEYS {
            bail!("there are {MAX_KEYS} keys already");
        }
        self.keep_log_key(config, passphrase.as_ref())?;
        let old = &self.current;
        let name = format!("oracle-{}.key", self.records.len() + 1);
        let path = config.data_dir.join(&name);
        let expected = Expected { network: old.network(), simulated: old.is_simulated() };
        let new = if path.exists() {
            OracleKey::load(&path, passphrase.as_ref(), &expected)
        } else {
            let (network, simulated) = (old.network().to_owned(), old.is_simulated());
            OracleKey::create(&path, &KeyOptions { network, simulated, passphrase })
        };
        let new = new.with_context(|| format!("the new key {}", path.display()))?;
        crashpoint::here!("rotate.made");
        let rotation = Rotation::sign(old, &new, now_s);
        let mut records = self.records;
        records.push(Record {
            public: new.public(),
            file: name,
            log_key_signature: signer::sign_log_key(&new, self.log_key.public()),
            rotation: Some(rotation.clone()),
            retired: false,
        });
        KeyList { records }.write(&list_file(config))?;
        Ok(rotation)
    }

    /// Whether a key has a successor.
    ///
    /// # Errors
    /// Where it is the current one.
    pub fn may_retire(&self, public: &XOnlyPublicKey) -> anyhow::Result<()> {
        if self.current.public() == *public {
            bail!("{public} is the current key; `earnest-oracle rotate-key` makes another one");
        }
        Ok(())
    }

    /// Retires a key: its file is gone when this returns, and nothing is signed with it any more.
    ///
    /// # Errors
    /// When it is the current one, none of ours, or a file can't be written.
    pub fn retire(mut self, config: &Config, public: &XOnlyPublicKey) -> anyhow::Result<()> {
        self.may_retire(public)?;
        let Some(record) = self.records.iter_mut().find(|record| record.public == *public) else {
            bail!("{public} is no key of this oracle");
        };
        record.retired = true;
        let path = config.data_dir.join(&record.file);
        KeyList { records: self.records }.write(&list_file(config))?;
        crashpoint::here!("retire.noted");
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("the key {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// The log's key follows from the first key, which may be retired later.
    fn keep_log_key(&self, config: &Config, passphrase: Option<&Passphrase>) -> anyhow::Result<()> {
        let path = log_file(config);
        match self.of(&self.first()) {
            Some(first) if !path.exists() => signer::write_log_key(&path, first, passphrase)
                .with_context(|| format!("the log's key {}", path.display())),
            _ => Ok(()),
        }
    }
}

fn list_file(config: &Config) -> PathBuf {
    config.data_dir.join(LIST)
}

fn log_file(config: &Config) -> PathBuf {
    config.data_dir.join(LOG)
}

impl KeyList {
    fn write(&self, path: &Path) -> anyhow::Result<()> {
        durable::replace(path, &self.bytes()).with_context(|| path.display().to_string())
    }
}
