//! What an operator does with keys, journal and database while the oracle does not run, and backups while it does.

use clock::Clock;

use super::{Failed, environment_passphrase, load_oracle, runtime, say};
use crate::cli::{Backup, ConfigFile, RetireKey};
use crate::operating::backup;
use crate::operating::keyring::Keyring;
use crate::operating::retire;
use crate::operating::trust;
use crate::service;

/// The operator's word after a database was restored.
pub(super) fn trust_database(file: &ConfigFile) -> Result<(), Failed> {
    let config = load_oracle(file)?;
    let passphrase = service::passphrase(&config, environment_passphrase())?;
    let _lock = signer::InstanceLock::acquire(&config.key_file()).map_err(anyhow::Error::from)?;
    let keys = Keyring::load_of_any_time(&config, passphrase.as_ref())?;
    let mut journal = service::open_journal(&config, &keys)?;
    let runtime = runtime(true)?;
    let trusted = runtime.block_on(trust::trust(&config, &keys, &mut journal))?;
    let trust::Trusted { known, mark, missing, abandoned } = trusted;
    say(&format!("The database is trusted from commit {mark} on, with {known} events."))?;
    for id in missing {
        say(&format!("{id} is lost: it will not be attested, and its contracts end by refund."))?;
    }
    for id in abandoned {
        say(&format!(
            "{id} may have been attested already: it is given up, and its contracts end by refund."
        ))?;
    }
    Ok(())
}

/// A new key for new events.
pub(super) fn rotate_key(file: &ConfigFile) -> Result<(), Failed> {
    let config = load_oracle(file)?;
    let passphrase = || service::passphrase(&config, environment_passphrase());
    let _lock = signer::InstanceLock::acquire(&config.key_file()).map_err(anyhow::Error::from)?;
    let keys = Keyring::load_of_any_time(&config, passphrase()?.as_ref())?;
    let rotation = keys.rotate(&config, passphrase()?, Clock::system().now_s())?;
    eprintln!(
        "Back up the new key. Events that were announced by {} keep it until they are attested.",
        rotation.from
    );
    say(&rotation.to.to_string())
}

/// Takes an old key away.
pub(super) fn retire_key(arguments: &RetireKey) -> Result<(), Failed> {
    let config = load_oracle(&arguments.file)?;
    let passphrase = service::passphrase(&config, environment_passphrase())?;
    let _lock = signer::InstanceLock::acquire(&config.key_file()).map_err(anyhow::Error::from)?;
    let keys = Keyring::load_of_any_time(&config, passphrase.as_ref())?;
    let journal = service::open_journal(&config, &keys)?;
    let runtime = runtime(true)?;
    runtime.block_on(retire::retire(&config, keys, &journal, &arguments.key))?;
    say(&format!("{} is retired: its file is gone.", arguments.key))
}

/// Copies all that the oracle keeps.
pub(super) fn back_up(arguments: &Backup) -> Result<(), Failed> {
    let config = load_oracle(&arguments.file)?;
    let runtime = runtime(true)?;
    let made = runtime.block_on(backup::make(&config, &arguments.file.config, &arguments.folder));
    made.map_err(anyhow::Error::from)?;
    say(&format!(
        "Copied to {}. It does not know what is announced or signed from now on.",
        arguments.folder.display()
    ))
}

/// Puts a backup where the configuration says.
pub(super) fn restore(arguments: &Backup) -> Result<(), Failed> {
    let config = load_oracle(&arguments.file)?;
    for path in backup::restore(&config, &arguments.folder).map_err(anyhow::Error::from)? {
        say(&path.display().to_string())?;
    }
    say(
        "Put the newest signing journal and database in their places if you have them. What was announced or signed after \
         the backup was made is not in it: the oracle does not start before `earnest-oracle trust-database`.",
    )
}
