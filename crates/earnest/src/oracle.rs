//! Asking an oracle to measure, without a node: with a key of one's own where the oracle wants one.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use client::{Asker, ClientError, OracleClient, Signer};
use secp256k1_zkp::{Keypair, SECP256K1};
use serde_json::json;
use terms::{Measurement, UnixSeconds};
use zeroize::Zeroizing;

use crate::cli::{Oracle, OracleRequest};
use crate::exit::Failure;
use crate::output;

/// `earnest oracle ...`
pub async fn run(command: Oracle, json: bool) -> Result<(), Failure> {
    match command {
        Oracle::Key { file } => make_key(&file, json),
        Oracle::Request(arguments) => request(arguments, json).await,
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
