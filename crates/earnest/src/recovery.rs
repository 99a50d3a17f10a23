//! `info`, `backup`, `restore`, `words`: what is done before and after a bad day.

use std::io::Read as _;

use anyhow::{Context as _, anyhow};
use node::{RestoreError, RestoreRequest, Restored, Seed};
use protocol::owner::BackupState;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::{Backup, ConfigFile, Restore};
use crate::exit::Failure;
use crate::{output, owner};

/// More than 24 words have.
const MOST_INPUT: u64 = 4_096;

/// `earnest info`
pub async fn info(file: &ConfigFile, as_json: bool) -> Result<(), Failure> {
    let info = owner::connect(file)?.info().await?;
    if as_json {
        return output::json(&info);
    }
    let backup = match info.backup.state {
        BackupState::Off => "no target is configured".to_owned(),
        BackupState::Current => "the target has everything".to_owned(),
        BackupState::Behind => {
            let reason = info.backup.reason.unwrap_or_else(|| "it is being written".to_owned());
            let (behind, held) = (info.backup.escrows_behind, info.backup.escrows_held);
            format!("{behind} escrows behind, {held} of them wait to be signed: {reason}")
        }
    };
    output::facts(&[
        ("identity key", info.key.to_string()),
        ("network", info.network),
        ("height", info.height.to_string()),
        ("version", info.version),
        ("backup", backup),
    ]);
    Ok(())
}

/// `earnest backup`
pub async fn backup(arguments: &Backup, as_json: bool) -> Result<(), Failure> {
    let config = node::Config::load(&arguments.file.config)?;
    let bytes = node::snapshot(&config, &arguments.to).await.context("no backup was written")?;
    if as_json {
        return output::json(&json!({ "file": arguments.to, "bytes": bytes }));
    }
    output::line(&format!("{bytes} bytes written to {}", arguments.to.display()));
    output::line(
        "The seed opens it, and is not in it. It does not know what happens from now on: that is for the backup target.",
    );
    Ok(())
}

/// `earnest restore`
pub async fn restore(arguments: Restore, as_json: bool) -> Result<(), Failure> {
    let config = node::Config::load(&arguments.file.config)?;
    let seed = if arguments.words { Some(read_words()?) } else { None };
    let request = RestoreRequest {
        seed,
        from: arguments.from,
        target: arguments.target,
        without_target: arguments.without_target,
        birth_height: arguments.birth_height,
        keep_open: arguments.keep_open,
        skip_damaged: arguments.skip_damaged,
    };
    let with_target = !request.without_target;
    let restored = node::restore(&config, request).await.map_err(failure)?;
    if as_json {
        return output::json(&in_json(&restored));
    }
    tell(&restored, with_target);
    Ok(())
}

/// `earnest words`
pub fn words(file: &ConfigFile, as_json: bool) -> Result<(), Failure> {
    let config = node::Config::load(&file.config)?;
    let words = node::load_words(&config.data_dir).context("the seed cannot be read")?;
    if as_json {
        return output::json(&json!({ "words": words.as_str() }));
    }
    output::line(&words);
    Ok(())
}

fn read_words() -> Result<Seed, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(1_024));
    std::io::stdin().take(MOST_INPUT).read_to_string(&mut text).context("the words cannot be read")?;
    Seed::from_words(&text).map_err(|error| Failure::bad_input(error.into()))
}

/// What was typed is wrong, or what is there.
fn failure(error: RestoreError) -> Failure {
    match error {
        RestoreError::NoTarget | RestoreError::Nothing { .. } | RestoreError::OtherSeed { .. } => {
            Failure::bad_input(error.into())
        }
        error => Failure::failed(anyhow!(error).context("nothing was restored")),
    }
}

fn in_json(restored: &Restored) -> serde_json::Value {
    let escrows: Vec<_> =
        restored.escrows.iter().map(|(id, state)| json!({ "id": id, "state": state })).collect();
    json!({
        "key": restored.key,
        "escrows": escrows,
        "ended": restored.ended,
        "skipped": restored.skipped,
        "birth_height": restored.birth_height,
    })
}

fn tell(restored: &Restored, with_target: bool) {
    output::facts(&[
        ("identity key", restored.key.to_string()),
        ("escrows", restored.escrows.len().to_string()),
        ("coins", format!("looked for from block {} on, when the node starts", restored.birth_height)),
    ]);
    for (id, state) in &restored.escrows {
        output::line(&format!("  {id}  {state} when it was last kept"));
    }
    for id in &restored.ended {
        output::line(&format!("  {id}  ended: the snapshot does not know what was said after it"));
    }
    for why in &restored.skipped {
        output::line(&format!("  left out: {why}"));
    }
    if !with_target {
        output::line(
            "Escrows that were signed since then, or are in no snapshot, are lost on this side: the peer can still settle or refund them, and pays addresses of this wallet.",
        );
    }
    output::line(
        "Not restored: published offers, the owner token (a new one was made if there was none), answers to old requests.",
    );
    output::line("Start the node with `earnest serve`. The old one must never run again.");
}
