//! Announcing: a measurement comes in, and an event with fresh nonces stands announced.
//!
//! Order of the writes: the row with the sealed nonces, the journal's line, the row's publication. A
//! process killed in between announces nothing, and goes on when the same measurement comes again.

use std::sync::Arc;

use clock::Busy;
use crashpoint::here;
use ledger::{Entry, Grid, LoggedVantage, schedule};
use protocol::problem::Price;
use signer::{AnnounceError, JournalError, NonceError, Nonces, ProofError, wire};
use terms::{DocumentError, Hex32, Measurement, UnixSeconds};

use crate::asking::price::{self, HookError, Question, Word};
use crate::asking::requester::{Exhausted, Requester};
use crate::measuring::heartbeat;
use crate::oracle::{Oracle, OracleError};
use crate::probe::Prober;
use crate::scheduler;
use crate::store::{Event, NewEvent, StoreError, Vantage};
use crate::vantages;

/// Why a measurement was not announced.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It breaks a rule, or this oracle can't measure it.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Too many events are open.
    #[error("this oracle has {open} open events and takes no more for now")]
    Full {
        /// How many are open.
        open: u64,
    },
    /// The requester has as much as it may have.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// It has a price, and is not paid for.
    #[error("this measurement is to be paid for: repeat the request with `Payment-Reference`")]
    Price(Price),
    /// The operator's hook refuses it.
    #[error("{0}")]
    Refused(String),
    /// The hook says nothing that can be used.
    #[error("whether it has a price can't be told now: {0}")]
    Hook(#[from] HookError),
    /// The journal knows the event with another announcement (the database lost it), or could not be written.
    #[error("{}", journal_refused(.0))]
    Journal(#[source] JournalError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no nonces, or they could not be sealed.
    #[error(transparent)]
    Nonces(#[from] NonceError),
    /// The nonces could not be proven.
    #[error(transparent)]
    Proofs(#[from] ProofError),
    /// The system gave no randomness.
    #[error("no randomness: {0}")]
    Randomness(getrandom::Error),
    /// The announcement could not be signed.
    #[error(transparent)]
    Announce(#[from] AnnounceError),
    /// The journal's task broke down.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// An event that was just written is gone.
    #[error("the database lost an event")]
    Lost,
}

fn journal_refused(error: &JournalError) -> String {
    match error {
        JournalError::OtherAnnouncement { .. } => {
            "the event was announced before and its record is lost; it can't be announced twice".to_owned()
        }
        other => format!("the signing journal: {other}"),
    }
}

/// Somebody's request for a measurement.
#[derive(Debug)]
pub struct Request<'a> {
    /// The measurement document.
    pub document: &'a [u8],
    /// Who asks.
    pub requester: Requester,
    /// What the requester says that it paid with.
    pub payment: Option<&'a str>,
}

/// An event that stands announced.
#[derive(Debug)]
pub struct Announcement {
    /// The event.
    pub event: Event,
    /// It was not announced before.
    pub is_new: bool,
}

/// Announces a measurement, or finds that it is announced already.
///
/// # Errors
/// Names the field that this oracle can't measure, and why; or what failed.
pub async fn request(
    oracle: &Arc<Oracle>,
    request: Request<'_>,
    busy: &Busy,
) -> Result<Announcement, RequestError> {
    let measurement = Measurement::parse(request.document)?;
    match oracle.store.event(&measurement.event_id()).await? {
        Some(event) if event.published => return Ok(Announcement { event, is_new: false }),
        // It was asked for, and perhaps paid, before this process was.
        Some(_) => {}
        None => settle_price(oracle, &request, &measurement).await?,
    }
    let _one_at_a_time = oracle.announcing.lock().await;
    let prepared = oracle.store.event(&measurement.event_id()).await?;
    if let Some(event) = prepared.clone().filter(|event| event.published) {
        return Ok(Announcement { event, is_new: false });
    }
    check(oracle, &measurement)?;
    if prepared.is_none() {
        prepare(oracle, &measurement, &request.requester).await?;
    }
    let event = publish(oracle, &measurement).await?;
    oracle.metrics.announced();
    scheduler::follow(oracle, event.id.clone(), busy.share());
    tracing::info!(event = %event.id, target = %measurement.target, maturity = event.maturity, "announced");
    Ok(Announcement { event, is_new: true })
}

/// Asks the operator's hook, if there is one, whether this has a price. Only what could be announced is asked about.
async fn settle_price(
    oracle: &Oracle,
    request: &Request<'_>,
    measurement: &Measurement,
) -> Result<(), RequestError> {
    let settings = oracle.settings();
    let Some(hook) = &settings.config.policy.price_hook else { return Ok(()) };
    if request.requester == Requester::Operator {
        return Ok(());
    }
    check(oracle, measurement)?;
    allow(oracle, measurement, &request.requester).await?;
    let question = Question {
        event_id: measurement.event_id(),
        measurement,
        requester: request.requester.to_string(),
        payment: request.payment,
    };
    match price::ask(hook, &question).await.inspect_err(|error| tracing::warn!(%error, %hook, "no price"))? {
        Word::Allow {} => Ok(()),
        Word::Price(price) => Err(RequestError::Price(price)),
        Word::Refuse { why } => Err(RequestError::Refused(why)),
    }
}

async fn prepare(
    oracle: &Arc<Oracle>,
    measurement: &Measurement,
    requester: &Requester,
) -> Result<(), RequestError> {
    allow(oracle, measurement, requester).await?;
    let open = oracle.store.count_open_events().await?;
    if open >= oracle.settings().config.limits.open_events {
        return Err(RequestError::Full { open });
    }
    let maturity = maturity(oracle, measurement)?;
    let nonces = Nonces::generate(Nonces::count_for(&measurement.outcome))?;
    let announcement = signer::announce(&oracle.key, measurement, maturity, &nonces)?;
    let new = NewEvent {
        measurement,
        maturity,
        announced_at: oracle.clock.now_s(),
        announcement: wire::announcement_hex(&announcement),
        commitment: signer::commitment(&announcement),
        nonce_proofs: signer::prove_nonces(&nonces, &announcement)?.iter().map(ToString::to_string).collect(),
        nonces: nonces.seal(&oracle.key, &measurement.event_id())?,
        probe_seed: random()?,
        jitter: oracle.settings().config.probe.jitter,
        requester: requester.to_string(),
        vantages: vantages::choose(&oracle.settings().config, measurement),
    };
    here!("announce.before");
    oracle.store.prepare_event(new).await?;
    here!("announce.prepared");
    Ok(())
}

/// Compares what a requester asks for with what it may have.
async fn allow(
    oracle: &Oracle,
    measurement: &Measurement,
    requester: &Requester,
) -> Result<(), RequestError> {
    let allowance = oracle.allowance(requester);
    allowance.covers(measurement)?;
    let account = oracle.store.account(&requester.to_string(), oracle.clock.now_s()).await?;
    Ok(allowance.fits_one_more(account)?)
}

/// The journal first: what it does not hold must not be seen by anybody.
async fn publish(oracle: &Arc<Oracle>, measurement: &Measurement) -> Result<Event, RequestError> {
    let id = measurement.event_id();
    let event = oracle.store.event(&id).await?.ok_or(RequestError::Lost)?;
    let commitment = event.commitment;
    oracle
        .with_journal(move |journal| journal.announce(&id, commitment))
        .await?
        .map_err(RequestError::Journal)?;
    here!("announce.journalled");
    oracle.store.publish_event(event.key, &entry(oracle, &event)).await?;
    here!("announce.published");
    Ok(Event { published: true, ..event })
}

/// What the log says of an event as it is announced: before its window, so that nothing of it can be chosen later.
fn entry(oracle: &Oracle, event: &Event) -> Entry {
    let announcement = hex::decode(&event.announcement).unwrap_or_default();
    let logged = |vantage: &Vantage| LoggedVantage { name: vantage.name.clone(), key: vantage.key };
    let today = oracle.settings().config.probe.jitter;
    Entry::Announced {
        event_id: event.id.clone(),
        at: UnixSeconds(event.announced_at),
        announcement_sha256: Hex32(terms::canonical::sha256(&announcement)),
        seed_commitment: event.jitter_seed(today).map(|seed| schedule::seed_commitment(&seed)),
        vantages: if event.has_remote_vantages() {
            event.vantages.iter().map(logged).collect()
        } else {
            Vec::new()
        },
    }
}

/// Refuses what this oracle can't measure, or not any more.
fn check(oracle: &Oracle, measurement: &Measurement) -> Result<(), DocumentError> {
    let grid = Grid::new(measurement)?;
    let settings = oracle.settings();
    let limits = &settings.config.limits;
    refuse(
        measurement.window.start.0 <= oracle.clock.now_s(),
        "window.start",
        "must lie in the future: an event is announced before its window starts",
    )?;
    let vantages = vantages::available(&oracle.settings().config);
    refuse(
        measurement.quorum.vantages > vantages,
        "quorum.vantages",
        &format!("must be at most {vantages}: this oracle has no more vantages"),
    )?;
    refuse(
        measurement.probe_every_ms < limits.probe_every_ms,
        "probe_every_ms",
        &format!("must be at least {}: this oracle probes no faster", limits.probe_every_ms),
    )?;
    refuse(
        grid.probes() > limits.probes_per_event,
        "probe_every_ms",
        &format!("gives {} probes; this oracle makes at most {}", grid.probes(), limits.probes_per_event),
    )?;
    can_be_measured(&settings.prober, measurement)?;
    if !heartbeat::is_heartbeat(measurement) {
        settings.prober.prepare(measurement)?.is_bounded()?;
    }
    maturity(oracle, measurement).map(|_| ())
}

/// Refuses a target that can be neither probed nor heard.
///
/// # Errors
/// Names the field, and why.
pub fn can_be_measured(prober: &Prober, measurement: &Measurement) -> Result<(), DocumentError> {
    if heartbeat::is_heartbeat(measurement) {
        return heartbeat::check(measurement);
    }
    prober.prepare(measurement).map(|_| ())
}

/// The window's end plus the publication delay, in the 32 bits that an announcement has for it.
fn maturity(oracle: &Oracle, measurement: &Measurement) -> Result<u64, DocumentError> {
    let maturity = measurement.window.end.0.saturating_add(oracle.settings().config.publication_delay_s);
    refuse(maturity >= u64::from(u32::MAX), "window.end", "must lie before the year 2106")?;
    Ok(maturity)
}

fn refuse(broken: bool, field: &str, rule: &str) -> Result<(), DocumentError> {
    if broken { Err(DocumentError::new(field, rule)) } else { Ok(()) }
}

fn random() -> Result<[u8; 32], RequestError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(RequestError::Randomness)?;
    Ok(seed)
}
