//! How the configuration's oracles stand; and asking one to measure, without a node: with a key of one's own where the oracle
//! wants one.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use client::{Asker, ClientError, OracleClient, Signer};
use protocol::oracle::Successor;
use protocol::owner::{OracleKeyState, OracleView};
use secp256k1_zkp::{Keypair, SECP256K1};
use serde_json::json;
use terms::{Measurement, UnixSeconds};
use zeroize::Zeroizing;

use crate::cli::{ConfigFile, Oracle, OracleRequest};
use crate::exit::Failure;
use crate::{output, owner};

/// `earnest oracle ...`
pub async fn run(command: Oracle, json: bool) -> Result<(), Failure> {
    match command {
        Oracle::List(file) => list(&file, json).await,
        Oracle::Key { file } => make_key(&file, json),
        Oracle::Request(arguments) => request(arguments, json).await,
    }
}

async fn list(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let oracles = owner::connect(file)?.oracles().await?;
    if json {
        return output::json(&oracles);
    }
    let mut table = output::table(&["oracle", "key", "state", "live escrows"]);
    for oracle in &oracles {
        let state = match oracle.state {
            OracleKeyState::Unknown => "did not answer yet",
            OracleKeyState::Current => "announces with it",
            OracleKeyState::Succeeded => "announces nothing new with it",
            OracleKeyState::Foreign => "ANOTHER KEY",
        };
        let escrows = oracle.live_escrows.to_string();
        table.add_row([oracle.url.clone(), oracle.key.to_string(), state.to_owned(), escrows]);
    }
    output::line(&table.to_string());
    oracles.iter().for_each(tell_other_keys);
    Ok(())
}

/// What an oracle has signed about its later keys, whole, so that anybody can check it.
fn tell_other_keys(oracle: &OracleView) {
    for Successor { to, rotation } in &oracle.successors {
        output::line(&format!(
            "since {} {to} takes the place of {}, signed with both:",
            rotation.since, rotation.from
        ));
        output::line(&format!(
            "  by the former  {}\n  by the new one {}",
            rotation.signature, rotation.acceptance
        ));
    }
    if let Some(last) = oracle.successors.last() {
        output::line(&format!(
            "To count on it for new escrows, add an [[oracle]] with url \"{}\" and key \"{}\" to the configuration, and leave \
             the old one there until its escrows have ended.",
            oracle.url, last.to
        ));
    }
    if let Some(key) = oracle.foreign_key {
        output::line(&format!(
            "{} shows the key {key}, and nothing that {} has signed leads to it: ask its operator.",
            oracle.url, oracle.key
        ));
    }
}

fn make_key(file: &Path, json: bool) -> Result<(), Failure> {
    let mut secret = Zeroizing::new([0; 32]);
    getrandom::fill(&mut secret[..]).map_err(|error| anyhow!("the system gives no randomness: {error}"))?;
    let keypair = Keypair::from_seckey_slice(SECP256K1, &secret[..]).context("no secret key")?;
    let text = Zeroizing::new(hex::encode(*secret));
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(file);
    let mut opened =
        opened.with_context(|| format!("the key {}", file.display())).map_err(Failure::bad_input)?;
    writeln!(opened, "{}", text.as_str()).and_then(|()| opened.sync_all()).context("the key")?;
    let key = protocol::public_key(&keypair);
    if json {
        return output::json(&json!({ "key": key }));
    }
    output::line(&key.to_string());
    Ok(())
}

fn read_key(file: &Path) -> Result<Keypair, Failure> {
    let text = fs::read_to_string(file).map(Zeroizing::new);
    let text = text.with_context(|| format!("the key {}", file.display())).map_err(Failure::bad_input)?;
    let secret = hex::decode(text.trim()).map(Zeroizing::new).ok();
    let keypair = secret.and_then(|secret| Keypair::from_seckey_slice(SECP256K1, &secret).ok());
    let rule = "must hold a secret key, as `earnest oracle key` makes one";
    keypair.ok_or_else(|| Failure::bad_input(anyhow!("the key {}: {rule}", file.display())))
}

async fn request(arguments: OracleRequest, json: bool) -> Result<(), Failure> {
    let bytes = fs::read(&arguments.measurement).with_context(|| arguments.measurement.display().to_string());
    let measurement = Measurement::parse(&bytes.map_err(Failure::bad_input)?)?;
    let mut oracle = OracleClient::new(&arguments.url)?;
    if let Some(file) = &arguments.token_file {
        let token = fs::read_to_string(file).with_context(|| format!("the token {}", file.display()));
        oracle = oracle.with_token(&token.map_err(Failure::bad_input)?);
    }
    let keypair = arguments.key.as_deref().map(read_key).transpose()?;
    let signer = match &keypair {
        Some(keypair) => Some(Signer { keypair, server: oracle.pubkey().await?, now: now()? }),
        None => None,
    };
    let asker = Asker { signer, payment: arguments.payment.as_deref() };
    let announced = oracle.announce_as(&measurement, &asker).await.map_err(priced)?;
    if json {
        return output::json(&announced);
    }
    output::line(&format!(
        "announced {}, attested from unix second {} on",
        announced.event_id, announced.maturity
    ));
    Ok(())
}

/// What it costs belongs to the refusal.
fn priced(error: ClientError) -> Failure {
    let price = match &error {
        ClientError::Refused(problem) => problem.price.clone(),
        _ => None,
    };
    let Some(price) = price else { return error.into() };
    let invoice = price.invoice.map(|invoice| format!("\n{invoice}")).unwrap_or_default();
    Failure::failed(anyhow!("{error}\n{}: {}{invoice}", price.amount, price.how))
}

fn now() -> Result<UnixSeconds, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock shows a time before 1970")?;
    Ok(UnixSeconds(since.as_secs()))
}
