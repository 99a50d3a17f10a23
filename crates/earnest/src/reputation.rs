//! Reputation: how providers kept what they promised, and what is presented of the own escrows.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use client::{OwnerClient, PeerClient};
use protocol::owner::{End, FetchRequest, Fetched, Finished, PresentedView, ReputationView, Tally};
use protocol::reference::{MAX_BYTES, MOST_PRESENTED, PAGE, ReferenceFile};
use terms::Ppm;

use crate::cli::{ConfigFile, Retry};
use crate::exit::Failure;
use crate::{output, owner};

/// What to do about reputation.
#[derive(Debug, Subcommand)]
pub enum Reputation {
    /// What is known of a provider: how many windows it kept and breached, and how much of that counts.
    Show {
        #[command(flatten)]
        file: ConfigFile,
        /// The provider's key, from `discover`.
        key: String,
    },
    /// Read what a provider presents, verify each escrow here and on the chain, and keep it.
    Fetch {
        #[command(flatten)]
        file: ConfigFile,
        /// The provider's address.
        url: String,
    },
    /// Verify a reference that somebody handed over, here and on the chain, and keep it.
    Verify {
        #[command(flatten)]
        file: ConfigFile,
        /// The file, as `reputation export` wrote it.
        reference: PathBuf,
    },
    /// Print a finished escrow as a reference, for or against its provider.
    ///
    /// It holds the terms in the clear, with the price and the other party's key: whoever gets it knows them.
    Export {
        #[command(flatten)]
        file: ConfigFile,
        /// The escrow's id.
        id: String,
    },
    /// Present a finished escrow to anybody, as soon as the configuration says `publish = "own"`.
    ///
    /// It tells the terms in the clear, with the price and the other party's key.
    Present {
        #[command(flatten)]
        file: ConfigFile,
        /// The escrow's id.
        id: String,
        #[command(flatten)]
        retry: Retry,
    },
    /// Present an escrow no more. Who has read it keeps it.
    Withhold {
        #[command(flatten)]
        file: ConfigFile,
        /// The escrow's id.
        id: String,
        #[command(flatten)]
        retry: Retry,
    },
    /// The escrows that are chosen to be presented.
    List(ConfigFile),
}

/// `earnest reputation ...`
pub async fn run(command: Reputation, json: bool) -> Result<(), Failure> {
    match command {
        Reputation::Show { file, key } => show(&owner::connect(&file)?.reputation(&key).await?, json),
        Reputation::Fetch { file, url } => fetch(&owner::connect(&file)?, &url, json).await,
        Reputation::Verify { file, reference } => {
            let (node, key) = (owner::connect(&file)?, owner::idempotency_key(None)?);
            let finished = node.verify_reference(&read(&reference)?, &key).await?;
            if json { output::json(&finished) } else { list(&[finished]) }
        }
        Reputation::Export { file, id } => {
            let reference = owner::connect(&file)?.reference(&id).await?;
            output::json(&reference.ok_or_else(|| anyhow!("this node has no such escrow"))?)
        }
        Reputation::Present { file, id, retry } => present(&file, &id, true, retry, json).await,
        Reputation::Withhold { file, id, retry } => present(&file, &id, false, retry, json).await,
        Reputation::List(file) => presented(&owner::connect(&file)?.presented().await?, json),
    }
}

/// Whether so many settled windows of the provider at an address count.
pub async fn at_least(node: &OwnerClient, url: &str, least: u64) -> Result<(), Failure> {
    if least == 0 {
        return Ok(());
    }
    let key = PeerClient::new(url)?.card().await?.key;
    let settled = node.reputation(&key.to_string()).await?.counted.settled();
    if settled >= least {
        return Ok(());
    }
    let why = anyhow!("min_settled: {settled} settled windows of {key} count, and {least} are asked for");
    Err(Failure::failed(why))
}

/// Every page; then what is known of the provider.
async fn fetch(node: &OwnerClient, url: &str, json: bool) -> Result<(), Failure> {
    let mut request = FetchRequest { provider_url: url.to_owned(), after: None };
    let mut all: Option<Fetched> = None;
    for _ in 0..MOST_PRESENTED.div_ceil(PAGE) {
        let page = node.fetch_references(&request, &owner::idempotency_key(None)?).await?;
        request.after = page.next;
        match &mut all {
            None => all = Some(page),
            Some(all) => {
                all.verified += page.verified;
                all.refused.extend(page.refused);
                all.next = page.next;
            }
        }
        if request.after.is_none() {
            break;
        }
    }
    let all = all.ok_or_else(|| anyhow!("there is no page"))?;
    if json {
        return output::json(&all);
    }
    output::line(&format!("{} references verified, {} refused", all.verified, all.refused.len()));
    for refused in &all.refused {
        output::line(&format!("  {}: {}", refused.hash, refused.why));
    }
    show(&node.reputation(&all.key.to_string()).await?, false)
}

fn read(path: &Path) -> Result<ReferenceFile, Failure> {
    let named = || path.display().to_string();
    let size = std::fs::metadata(path).with_context(named).map_err(Failure::bad_input)?.len();
    if size > MAX_BYTES as u64 {
        return Err(Failure::bad_input(anyhow!("{}: is larger than any reference", named())));
    }
    let bytes = std::fs::read(path).with_context(named).map_err(Failure::bad_input)?;
    Ok(ReferenceFile::parse(&bytes)?)
}

async fn present(
    file: &ConfigFile,
    id: &str,
    presents: bool,
    retry: Retry,
    json: bool,
) -> Result<(), Failure> {
    let key = owner::idempotency_key(retry.idempotency_key)?;
    let view = owner::connect(file)?.present(id, presents, &key).await?;
    presented(&[view], json)
}

fn presented(views: &[PresentedView], json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&views);
    }
    let mut table = output::table(&["escrow", "reference", "public"]);
    for view in views {
        let public = if view.public { "yes" } else { "no" };
        table.add_row([view.escrow.to_string(), view.hash.to_string(), public.to_owned()]);
    }
    output::line(&table.to_string());
    Ok(())
}

fn show(known: &ReputationView, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(known);
    }
    output::line(&format!("provider {}", known.key));
    let mut table = output::table(&[
        "",
        "kept",
        "breached",
        "unmeasured",
        "closed",
        "refunded",
        "buyers",
        "prices",
        "bad, mean",
    ]);
    for (name, tally) in [
        ("counts", &known.counted),
        ("own", &known.own),
        ("with trusted buyers", &known.trusted),
        ("with strangers", &known.strangers),
    ] {
        table.add_row(row(name, tally));
    }
    output::line(&table.to_string());
    output::facts(&[
        ("never locked", known.never_locked.to_string()),
        ("gone from the chain", known.gone.to_string()),
        ("a strategy pays", format!("{} of its maximum", Ppm(known.pays_ppm).percent())),
    ]);
    list(&known.finished)
}

fn row(name: &str, tally: &Tally) -> [String; 9] {
    [
        name.to_owned(),
        tally.kept.to_string(),
        tally.breached.to_string(),
        tally.indeterminate.to_string(),
        tally.closed.to_string(),
        tally.refunded.to_string(),
        tally.buyers.to_string(),
        output::sat(tally.price_sat),
        bad(tally),
    ]
}

/// What was measured to be bad in the mean, of what was promised in the mean.
fn bad(tally: &Tally) -> String {
    let mean = |sum: u64| sum.checked_div(tally.ppm_windows).map(|mean| Ppm(mean).percent());
    match (mean(tally.measured_ppm), mean(tally.promised_ppm)) {
        (Some(measured), Some(promised)) => format!("{measured}, promised {promised}"),
        _ => "-".to_owned(),
    }
}

fn list(finished: &[Finished]) -> Result<(), Failure> {
    let mut table = output::table(&["service", "window (unix s)", "price", "end", "bad", "buyer"]);
    for one in finished {
        table.add_row([
            one.target.clone(),
            format!("{} to {}", one.window.start, one.window.end),
            output::sat(one.price_sat),
            end(one.end).to_owned(),
            one.measured_ppm.map_or_else(|| "-".to_owned(), |ppm| Ppm(ppm).percent()),
            one.buyer.to_string(),
        ]);
    }
    output::line(&table.to_string());
    Ok(())
}

fn end(end: End) -> &'static str {
    match end {
        End::Kept => "kept",
        End::Breached => "breached",
        End::Indeterminate => "unmeasured",
        End::Closed => "closed by agreement",
        End::Refunded => "refunded",
    }
}
