//! Transcripts: export one, and verify one offline.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use terms::Outcome;
use transcript::{Closing, Settlement, Verdict};

use crate::cli::ConfigFile;
use crate::exit::Failure;
use crate::{output, owner};

/// What to do with transcripts.
#[derive(Debug, Subcommand)]
pub enum Transcript {
    /// Print everything about an escrow or a negotiation that can be checked offline, as one JSON file.
    ///
    /// It holds the terms in the clear: whoever gets it knows them.
    Export {
        #[command(flatten)]
        file: ConfigFile,
        /// The escrow's or negotiation's id.
        id: String,
    },
    /// Check such a file without any node, down to the funding transaction and the attested payout.
    ///
    /// Only whether transactions were mined is left to look up on the chain.
    Verify {
        /// The file.
        file: PathBuf,
    },
}

/// `earnest transcript ...`
pub async fn run(command: Transcript, json: bool) -> Result<(), Failure> {
    match command {
        Transcript::Export { file, id } => {
            let transcript = owner::connect(&file)?.transcript(&id).await?;
            let transcript =
                transcript.ok_or_else(|| anyhow!("this node has no such escrow or negotiation"))?;
            output::json(&transcript)
        }
        Transcript::Verify { file } => verify(&file, json),
    }
}

fn verify(file: &Path, json: bool) -> Result<(), Failure> {
    let size = std::fs::metadata(file).with_context(|| file.display().to_string());
    if size.map_err(Failure::bad_input)?.len() > protocol::transcript::MAX_BYTES as u64 {
        return Err(Failure::bad_input(anyhow!("{}: is larger than any transcript", file.display())));
    }
    let bytes = std::fs::read(file).with_context(|| file.display().to_string());
    let verdict = transcript::verify(&bytes.map_err(Failure::bad_input)?);
    let verdict = verdict.map_err(|fault| anyhow!("not a true transcript: {fault}"))?;
    if json { output::json(&verdict) } else { tell(&verdict) }
}

fn tell(verdict: &Verdict) -> Result<(), Failure> {
    let none = || "-".to_owned();
    output::facts(&[
        ("session", verdict.session.to_string()),
        ("protocol", format!("version {}", verdict.version)),
        ("provider", verdict.provider.to_string()),
        ("buyer", verdict.buyer.to_string()),
        ("offer", verdict.offer_id.map_or_else(none, |id| id.to_string())),
        ("said", format!("{} envelopes, {} of them counters", verdict.envelopes, verdict.counters)),
        ("terms", verdict.agreed.as_ref().map_or_else(none, |agreed| agreed.terms_hash.to_string())),
        (
            "price",
            verdict.agreed.as_ref().map_or_else(none, |agreed| output::sat(agreed.agreement.price_sat)),
        ),
        ("bond", verdict.agreed.as_ref().map_or_else(none, |agreed| output::sat(agreed.agreement.bond_sat))),
        ("funding", verdict.funding_txid.map_or_else(none, |txid| txid.to_string())),
        ("attested", verdict.settlement.as_ref().map_or_else(none, attested)),
        ("closing", verdict.closing.as_ref().map_or_else(none, closing)),
    ]);
    output::line("Every signature holds, and everything follows from what both parties signed.");
    Ok(())
}

fn attested(settlement: &Settlement) -> String {
    let outcome = match &settlement.outcome {
        Outcome::Value(value) => value.0.to_string(),
        Outcome::Level(level) => level.clone(),
        Outcome::Indeterminate => "indeterminate".to_owned(),
    };
    let (provider, buyer) = (output::sat(settlement.provider_sat), output::sat(settlement.buyer_sat));
    format!("{outcome}: {provider} to the provider, {buyer} to the buyer, by CET {}", settlement.cet_txid)
}

fn closing(closing: &Closing) -> String {
    let (provider, buyer) = (output::sat(closing.provider_sat), output::sat(closing.buyer_sat));
    format!("{} {}: {provider} to the provider, {buyer} to the buyer", closing.kind, closing.txid)
}
