//! `init`: the key of an oracle or of a vantage, and the token of those who may ask.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde_json::json;
use signer::{KeyOptions, OracleKey};

use super::{Failed, bad_input, environment_passphrase, load, print, probe, refuse_vantage, say};
use crate::cli::Init;
use crate::config::{Accept, Config};
use crate::service;

/// Makes what there is not yet; never replaces a key.
pub(super) fn init(arguments: &Init) -> Result<(), Failed> {
    let config = load(&arguments.file)?;
    if !arguments.vantage {
        refuse_vantage(&config, &arguments.file.config, "whose key `init --vantage` makes")?;
    }
    service::allow_clock(config.network, arguments.simulated).map_err(bad_input)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data_dir)
        .with_context(|| format!("data_dir: {} can't be made", config.data_dir.display()))?;
    let options = KeyOptions {
        network: config.network.name().to_owned(),
        simulated: arguments.simulated,
        passphrase: service::passphrase(&config, environment_passphrase())?,
    };
    if arguments.vantage {
        return init_vantage(arguments, &config, &options);
    }
    let path = config.key_file();
    let key = OracleKey::create(&path, &options).with_context(|| format!("the key {}", path.display()))?;
    let token_file = make_token(&config)?;
    if arguments.json {
        let token_file = token_file.map(|path| path.display().to_string());
        return print(
            &json!({ "pubkey": key.public().to_string(), "key_file": path.display().to_string(), "token_file": token_file }),
        );
    }
    eprintln!("The signing key is in {}; back it up, and the signing journal with it.", path.display());
    if let Some(path) = token_file {
        eprintln!("Requests for measurements need the token in {}.", path.display());
    }
    say(&key.public().to_string())
}

fn init_vantage(arguments: &Init, config: &Config, options: &KeyOptions) -> Result<(), Failed> {
    let (path, key) = probe::make_key(config, options)?;
    if arguments.json {
        return print(&json!({ "pubkey": key, "key_file": path.display().to_string() }));
    }
    eprintln!(
        "The vantage's key is in {}; its oracles need the public part as remote_vantage.key.",
        path.display()
    );
    say(&key)
}

/// Makes the requesters' token where the policy asks for one and there is none.
fn make_token(config: &Config) -> anyhow::Result<Option<PathBuf>> {
    let path = config.token_file();
    if config.policy.accept != Accept::Token || path.exists() {
        return Ok((config.policy.accept == Accept::Token).then_some(path));
    }
    let mut token = [0; 32];
    getrandom::fill(&mut token).map_err(|error| anyhow!("the system gives no randomness: {error}"))?;
    write_secret(&path, &hex::encode(token)).with_context(|| format!("the token {}", path.display()))?;
    Ok(Some(path))
}

fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
