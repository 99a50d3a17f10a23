//! Asking everybody what happened, after it happened.

use anyhow::Context as _;
use ledger::Report;
use protocol::HexBytes;
use protocol::oracle::{EventState, Provisional};
use protocol::owner::{ClosingKind, EscrowView};
use terms::{Outcome, Sat, UnixSeconds};

use super::blocking::with_node;
use super::director::Director;
use super::parties::Struck;
use super::said::{self, Published, Said};
use super::taken_back::TakenBack;
use super::transactions::{Both, Placed, account, paid_to, place, record};
use super::{config, refund, words};
use crate::record::{
    ChainRecord, Coin, Messages, Moment, OracleRecord, Payouts, PhaseRecord, Record, Split, Story,
    Transactions,
};
use crate::{checks, text};

/// What the oracles published and the nodes keep, as bytes for files.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Of the oracle whose word was paid by.
    pub main: Published,
    /// Of all others.
    pub others: Vec<Published>,
    /// A node's alarms about oracles that contradicted themselves: `earnest-oracle prove` reads them.
    pub contradictions: Option<Vec<u8>>,
    /// Each node's receipts, by whose they are.
    pub receipts: Vec<(&'static str, Vec<u8>)>,
    /// What the two nodes said to each other, signed.
    pub transcript: Option<Vec<u8>>,
}

/// What the chain and the oracles say.
struct Found {
    funding: Option<Placed>,
    closing: Option<(String, Placed)>,
    /// What provider and buyer took back.
    taken_back: [Option<TakenBack>; 2],
    said: Vec<Said>,
    chain: ChainRecord,
}

/// Whose word was paid by, and what it was.
struct Decided {
    /// The first oracle where no word was.
    oracle: usize,
    outcome: Option<Outcome>,
}

impl Director<'_> {
    /// Everything that a record needs. Simulated time is held meanwhile.
    pub(super) async fn collect(&mut self, deal: &Struck) -> anyhow::Result<(Record, Evidence)> {
        let views = self.views(deal).await?;
        let view = views.iter().flatten().next().context("both nodes are dead, so nobody can be asked")?;
        let said = self.said(deal, &views).await?;
        let found = self.found(view, &views, said).await?;
        let both = both(view)?;
        let decided = decided(view, &found, &both);
        let mut record = self.record(deal, &views, view, (&found, &both, &decided))?;
        let (receipts, transcript) = self.look_at_papers(deal, &views, &mut record).await?;
        self.look_at_failures(deal, decided.oracle, &mut record).await?;
        if !self.scenario.faults.is_empty() {
            record.checks.push(checks::faults(self.scenario, self.begun.len()));
        }
        record.checks.extend(self.audits(&found.said).await?);
        record.checks.extend(self.proofs(view, &found.said).await?);
        let evidence = Evidence { receipts, transcript, ..evidence(found.said, decided.oracle)? };
        record.passed = record.checks.iter().all(|check| check.holds);
        Ok((record, evidence))
    }

    /// The escrow as provider and buyer see it, as far as they live.
    async fn views(&self, deal: &Struck) -> anyhow::Result<[Option<EscrowView>; 2]> {
        let mut views = [None, None];
        for (view, party) in views.iter_mut().zip([&self.world.provider, &self.world.buyer]) {
            if party.service.is_alive() {
                *view = Some(party.escrow(&deal.escrow_id).await?);
            }
        }
        Ok(views)
    }

    async fn found(
        &self,
        view: &EscrowView,
        views: &[Option<EscrowView>; 2],
        said: Vec<Said>,
    ) -> anyhow::Result<Found> {
        let kind = match view.closing_kind {
            Some(ClosingKind::Cet) => "cet",
            Some(ClosingKind::Refund) => "refund",
            Some(ClosingKind::Close) => "close",
            Some(ClosingKind::Other) | None => "other",
        };
        let (funding, closing) = (view.funding_txid, view.closing_txid);
        let cancels = views.each_ref().map(|view| Some(view.as_ref()?.transactions.cancel.as_ref()?.txid));
        let asked = with_node(&self.world.bitcoind, move |node| -> anyhow::Result<_> {
            let funding = funding.map(|txid| place(node, txid)).transpose()?.flatten();
            let closing = closing.map(|txid| place(node, txid)).transpose()?.flatten();
            let [provider, buyer] = cancels.map(|txid| txid.map(|txid| TakenBack::find(node, txid)));
            let taken_back = [provider.transpose()?.flatten(), buyer.transpose()?.flatten()];
            let network: serde_json::Value = node.call("getnetworkinfo", &[])?;
            Ok((funding, closing, taken_back, network, node.height()?))
        });
        let (funding, closing, taken_back, network, height) = asked.await?;
        let version = network.get("subversion").and_then(serde_json::Value::as_str).unwrap_or_default();
        let chain = ChainRecord {
            bitcoind: version.trim_matches('/').to_owned(),
            height,
            block_every_s: self.scenario.chain.block_every_s,
            confirmations: self.scenario.chain.confirmations,
        };
        let closing = closing.map(|placed| (kind.to_owned(), placed));
        Ok(Found { funding, closing, taken_back, said, chain })
    }

    fn record(
        &self,
        deal: &Struck,
        views: &[Option<EscrowView>; 2],
        view: &EscrowView,
        (found, both, decided): (&Found, &Both, &Decided),
    ) -> anyhow::Result<Record> {
        let scenario = self.scenario;
        let chain = (found.funding.as_ref(), found.closing.as_ref().map(|(_, placed)| placed));
        let [provider_back, buyer_back] = found.taken_back.each_ref().map(Option::as_ref);
        let (provider_key, buyer_key) = (self.world.provider.key, self.world.buyer.key);
        let [provider, buyer] = views
            .each_ref()
            .map(|view| view.as_ref().map_or_else(|| "offline".to_owned(), |view| view.state.clone()));
        let event = found.said.get(decided.oracle).and_then(|said| said.event.as_ref());
        let provisional = event.and_then(|event| event.provisional.as_ref());
        let oracle = self.world.oracles.get(decided.oracle).context("an oracle that there is not")?;
        let outcome = decided.outcome.as_ref();
        let mut record = Record {
            v: 1,
            passed: false,
            scenario: self.story_of(),
            checks: Vec::new(),
            event_id: view.event_id.clone(),
            terms_hash: view.terms_hash,
            measurement: view.agreement.measurement.clone(),
            agreement: view.agreement.clone(),
            outcome: decided.outcome.clone(),
            reading: reading(provisional, outcome)?,
            payouts: self.payouts(view, found, both, outcome),
            oracle: OracleRecord {
                key: oracle.key,
                maturity: scenario.maturity(),
                vantage: config::OWN.to_owned(),
                root: provisional.map(|provisional| provisional.root),
            },
            oracles: said::words(&view.agreement, &found.said, outcome)?,
            provider: account(provider_key, provider, &both.provider, chain, provider_back),
            buyer: account(buyer_key, buyer, &both.buyer, chain, buyer_back),
            announcements: view.announcements.iter().map(hex).collect(),
            attestations: view.attestations.iter().map(hex).collect(),
            messages: Messages {
                offer: view.messages.offer.as_ref().map(hex),
                accept: view.messages.accept.as_ref().map(hex),
                sign: view.messages.sign.as_ref().map(hex),
            },
            transactions: transactions(view, found, both)?,
            chain: found.chain.clone(),
            history: self.history(views, found),
            receipts: Vec::new(),
            negotiation: Vec::new(),
            samples_csv: None,
            slices: self.slices.get(decided.oracle).cloned().unwrap_or_default(),
        };
        record.checks = checks::all(scenario, &deal.agreement, views, &record);
        Ok(record)
    }

    fn payouts(&self, view: &EscrowView, found: &Found, both: &Both, outcome: Option<&Outcome>) -> Payouts {
        let (agreement, expect) = (&view.agreement, &self.scenario.expect);
        let refunded = found.closing.as_ref().is_some_and(|(kind, _)| kind == "refund");
        let agreed = match outcome {
            Some(outcome) => agreement.compile().ok().and_then(|table| table.at(outcome)).map(|provider| {
                Split { provider_sat: provider, buyer_sat: Sat(agreement.total_sat().0 - provider.0) }
            }),
            None if refunded => {
                Some(Split { provider_sat: agreement.bond_sat, buyer_sat: agreement.price_sat })
            }
            None => None,
        };
        let paid = found.closing.as_ref().map(|(_, placed)| Split {
            provider_sat: paid_to(Some(&placed.transaction), &both.provider.payout_script),
            buyer_sat: paid_to(Some(&placed.transaction), &both.buyer.payout_script),
        });
        let expected = Split { provider_sat: expect.provider_sat, buyer_sat: expect.buyer_sat };
        Payouts { expected, agreed, paid }
    }

    fn story_of(&self) -> Story {
        let scenario = self.scenario;
        let phase = |phase| PhaseRecord { what: self.seen(phase), ..PhaseRecord::of(phase) };
        Story {
            name: scenario.name.clone(),
            title: scenario.title.clone(),
            source: scenario.source.clone(),
            notes: scenario.notes.clone(),
            phases: scenario.phases.iter().map(phase).collect(),
            faults: self.fault_records(),
            preset: scenario.deal.preset.map(|preset| preset.service.to_owned()),
        }
    }

    /// What was wrong, and who saw it where not everybody did.
    fn seen(&self, phase: &crate::scenario::Phase) -> String {
        let Some(places) = &phase.seen_by else { return phase.condition.to_string() };
        let names: Vec<&str> = places.iter().map(|place| self.scenario.cast.name(*place)).collect();
        format!("{}, as seen by {}", phase.condition, names.join(" and "))
    }

    /// What the director did, what the nodes noted, what the oracle said and what the chain holds, in order.
    fn history(&self, views: &[Option<EscrowView>; 2], found: &Found) -> Vec<Moment> {
        let mut history: Vec<(u8, Moment)> = self.story.iter().map(|moment| (0, moment.clone())).collect();
        for (view, who) in views.iter().zip(["provider", "buyer"]) {
            let entries = view.iter().flat_map(|view| &view.history);
            history.extend(entries.filter_map(|entry| {
                let (place, what) = words::event(entry)?;
                Some((place, Moment { at: entry.at, who: who.to_owned(), what }))
            }));
        }
        history.extend(found.said.iter().flat_map(oracle_moments).map(|moment| (0, moment)));
        let funding = found.funding.iter().filter_map(|placed| mined(placed, "funding transaction"));
        let closing = found.closing.iter().filter_map(|(_, placed)| mined(placed, "closing transaction"));
        history.extend(funding.chain(closing).map(|moment| (0, moment)));
        history.sort_by_key(|(place, moment)| (moment.at, *place));
        history.into_iter().map(|(_, moment)| moment).collect()
    }
}

fn mined(placed: &Placed, what: &str) -> Option<Moment> {
    let (height, at) = (placed.height?, placed.time?);
    Some(Moment { at, who: "chain".to_owned(), what: format!("holds the {what} in block {height}") })
}

/// How the oracle explains the outcome that was paid by. One that was set back publishes another reading, which is none.
fn reading(provisional: Option<&Provisional>, outcome: Option<&Outcome>) -> anyhow::Result<Option<Report>> {
    let is_paid_by = |found: &&Provisional| outcome.is_none_or(|paid| found.outcome == *paid);
    let report = provisional.filter(is_paid_by).map(|found| serde_json::from_value(found.report.clone()));
    report.transpose().context("the oracle's report")
}

pub(super) fn hex(bytes: &HexBytes) -> String {
    hex::encode(&bytes.0)
}

fn oracle_moments(said: &Said) -> Vec<Moment> {
    let Some(event) = &said.event else { return Vec::new() };
    let moment = |at: UnixSeconds, what: String| Moment { at, who: said.published.oracle.clone(), what };
    let mut moments = vec![moment(event.measurement.window.start, "begins to probe".to_owned())];
    if let Some(provisional) = &event.provisional {
        let outcome = text::outcome(&provisional.outcome, &event.measurement.outcome);
        let what = format!("publishes samples and provisional outcome: {outcome}");
        moments.push(moment(provisional.closed_at, what));
    }
    if event.state == EventState::Attested {
        moments.push(moment(event.maturity, "signs the outcome, once and for all".to_owned()));
    }
    moments
}

/// What provider and buyer brought. Who never got so far as to exchange messages brought nothing.
fn both(view: &EscrowView) -> anyhow::Result<Both> {
    match (&view.messages.offer, &view.messages.accept) {
        (Some(_), Some(_)) => Both::read(&view.messages, &view.agreement),
        _ => Ok(Both::nothing()),
    }
}

/// Of one oracle its word counts; of several the one that the contract was closed by.
fn decided(view: &EscrowView, found: &Found, both: &Both) -> Decided {
    if let [_] = found.said.as_slice() {
        return Decided { oracle: 0, outcome: view.outcome.clone() };
    }
    let closed = found.closing.as_ref().filter(|(kind, _)| kind == "cet");
    let paid = closed.map(|(_, placed)| paid_to(Some(&placed.transaction), &both.provider.payout_script));
    let oracle = said::deciding(&view.agreement, &found.said, paid);
    let outcome = oracle.and_then(|oracle| found.said.get(oracle)?.heard.clone());
    Decided { oracle: oracle.unwrap_or(0), outcome }
}

/// The files: those of the oracle that was paid by stand first.
fn evidence(said: Vec<Said>, main: usize) -> anyhow::Result<Evidence> {
    let alarms: Vec<_> = said.iter().filter_map(|said| said.alarm.as_ref()).collect();
    let contradictions = if alarms.is_empty() { None } else { Some(serde_json::to_vec_pretty(&alarms)?) };
    let mut others: Vec<Published> = said.into_iter().map(|said| said.published).collect();
    let main = if main < others.len() { others.remove(main) } else { Published::default() };
    Ok(Evidence { main, others, contradictions, ..Evidence::default() })
}

fn transactions(view: &EscrowView, found: &Found, both: &Both) -> anyhow::Result<Transactions> {
    let coins: Vec<Coin> = both.provider.coins.iter().chain(&both.buyer.coins).cloned().collect();
    let funding = found.funding.as_ref().map(|placed| record("funding", placed, &coins, both));
    let locked: Vec<Coin> = funding
        .iter()
        .flat_map(|funding| {
            funding.outputs.iter().map(|output| Coin {
                txid: funding.txid.clone(),
                vout: output.vout,
                value_sat: output.value_sat,
            })
        })
        .collect();
    let settling = found.closing.as_ref().map(|(kind, placed)| record(kind, placed, &locked, both));
    let refund = match &found.funding {
        None => None,
        Some(_) if settling.as_ref().is_some_and(|settling| settling.kind == "refund") => settling.clone(),
        Some(funding) => {
            let transaction = refund::assemble(&view.messages, &funding.transaction).context("the refund")?;
            let nowhere = Placed { transaction, height: None, block: None, time: None };
            Some(record("refund", &nowhere, &locked, both))
        }
    };
    let cancels = found.taken_back.iter().zip(["provider", "buyer"]);
    let cancels = cancels.filter_map(|(taken, whose)| Some(taken.as_ref()?.record(whose, both))).collect();
    Ok(Transactions { funding, settling, refund, cancels })
}
