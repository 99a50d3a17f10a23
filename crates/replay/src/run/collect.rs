//! Asking everybody what happened, after it happened.

use anyhow::Context as _;
use ledger::Report;
use protocol::HexBytes;
use protocol::oracle::{EventState, EventView, Provisional};
use protocol::owner::{ClosingKind, EscrowView};
use terms::{Sat, UnixSeconds};

use super::blocking::with_node;
use super::director::Director;
use super::parties::Struck;
use super::transactions::{Both, Placed, account, paid_to, place, record};
use super::{refund, words};
use crate::checks;
use crate::record::{
    ChainRecord, Check, Coin, Messages, Moment, OracleRecord, Payouts, PhaseRecord, Record, Split, Story,
    Transactions,
};
use crate::text;

/// What the oracle published, as bytes for files. Nothing where it was dead at the end.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The samples as CSV.
    pub samples: Option<Vec<u8>>,
    /// The evidence bundle.
    pub bundle: Option<Vec<u8>>,
}

/// What the chain and the oracle say.
struct Found {
    funding: Option<Placed>,
    closing: Option<(String, Placed)>,
    event: Option<EventView>,
    chain: ChainRecord,
}

impl Director<'_> {
    /// Everything that a record needs. Simulated time is held meanwhile.
    pub(super) async fn collect(&mut self, deal: &Struck) -> anyhow::Result<(Record, Evidence)> {
        let views = self.views(deal).await?;
        let view = views.iter().flatten().next().context("both nodes are dead, so nobody can be asked")?;
        let found = self.found(deal, view).await?;
        let evidence = self.evidence(deal).await?;
        let mut record = self.record(deal, &views, view, found)?;
        if !self.scenario.faults.is_empty() {
            record.checks.push(checks::faults(self.scenario, self.happened));
        }
        if let (Some(bundle), Some(_)) = (&evidence.bundle, &record.outcome) {
            record.checks.push(self.audit(bundle).await?);
        }
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

    async fn found(&self, deal: &Struck, view: &EscrowView) -> anyhow::Result<Found> {
        let event = match self.world.oracle.service.is_alive() {
            true => self.world.oracle.client.event(&deal.event_id).await?,
            false => None,
        };
        let kind = match view.closing_kind {
            Some(ClosingKind::Cet) => "cet",
            Some(ClosingKind::Refund) => "refund",
            Some(ClosingKind::Close) => "close",
            Some(ClosingKind::Other) | None => "other",
        };
        let (funding, closing) = (view.funding_txid, view.closing_txid);
        let asked = with_node(&self.world.bitcoind, move |node| -> anyhow::Result<_> {
            let funding = funding.map(|txid| place(node, txid)).transpose()?.flatten();
            let closing = closing.map(|txid| place(node, txid)).transpose()?.flatten();
            let network: serde_json::Value = node.call("getnetworkinfo", &[])?;
            Ok((funding, closing, network, node.height()?))
        });
        let (funding, closing, network, height) = asked.await?;
        let version = network.get("subversion").and_then(serde_json::Value::as_str).unwrap_or_default();
        let chain = ChainRecord {
            bitcoind: version.trim_matches('/').to_owned(),
            height,
            block_every_s: self.scenario.chain.block_every_s,
            confirmations: self.scenario.chain.confirmations,
        };
        Ok(Found { funding, closing: closing.map(|placed| (kind.to_owned(), placed)), event, chain })
    }

    async fn evidence(&self, deal: &Struck) -> anyhow::Result<Evidence> {
        if !self.world.oracle.service.is_alive() {
            return Ok(Evidence::default());
        }
        let oracle = &self.world.oracle.client;
        // There is no bundle before the window has closed.
        let bundle = oracle.evidence(&deal.event_id).await.ok().flatten();
        Ok(Evidence { samples: oracle.samples(&deal.event_id).await?, bundle })
    }

    /// What the oracle's own audit says of its evidence, as anybody can run it.
    async fn audit(&self, bundle: &[u8]) -> anyhow::Result<Check> {
        let path = self.world.folder.join("evidence.json");
        crate::files::write(&path, bundle)?;
        let mut command = tokio::process::Command::new(testbed::binary("earnest-oracle")?);
        let output = command.arg("audit").arg(&path).kill_on_drop(true).output().await;
        let output = output.context("earnest-oracle audit")?;
        Ok(checks::audit(output.status.success(), &String::from_utf8_lossy(&output.stderr)))
    }

    fn record(
        &self,
        deal: &Struck,
        views: &[Option<EscrowView>; 2],
        view: &EscrowView,
        found: Found,
    ) -> anyhow::Result<Record> {
        let scenario = self.scenario;
        // Who never got so far as to exchange messages brought nothing.
        let both = match (&view.messages.offer, &view.messages.accept) {
            (Some(_), Some(_)) => Both::read(&view.messages, &view.agreement)?,
            _ => Both::nothing(),
        };
        let funding = found.funding.as_ref().map(|placed| &placed.transaction);
        let closing = found.closing.as_ref().map(|(_, placed)| &placed.transaction);
        let [provider, buyer] = views
            .each_ref()
            .map(|view| view.as_ref().map_or_else(|| "offline".to_owned(), |view| view.state.clone()));
        let provisional = found.event.as_ref().and_then(|event| event.provisional.as_ref());
        let mut record = Record {
            v: 1,
            passed: false,
            scenario: self.story_of(),
            checks: Vec::new(),
            event_id: view.event_id.clone(),
            terms_hash: view.terms_hash,
            measurement: view.agreement.measurement.clone(),
            agreement: view.agreement.clone(),
            outcome: view.outcome.clone(),
            reading: reading(provisional, view)?,
            payouts: payouts(scenario.expect.provider_sat, scenario.expect.buyer_sat, view, &found, &both),
            oracle: OracleRecord {
                key: self.world.oracle.key,
                maturity: scenario.maturity(),
                vantage: "local".to_owned(),
                root: provisional.map(|provisional| provisional.root),
            },
            provider: account(self.world.provider.key, provider, &both.provider, funding, closing),
            buyer: account(self.world.buyer.key, buyer, &both.buyer, funding, closing),
            announcements: view.announcements.iter().map(hex).collect(),
            attestations: view.attestations.iter().map(hex).collect(),
            messages: Messages {
                offer: view.messages.offer.as_ref().map(hex),
                accept: view.messages.accept.as_ref().map(hex),
                sign: view.messages.sign.as_ref().map(hex),
            },
            transactions: transactions(view, &found, &both)?,
            chain: found.chain.clone(),
            history: self.history(views, &found),
            samples_csv: None,
            slices: self.slices.clone(),
        };
        record.checks = checks::all(scenario, &deal.agreement, views, &record);
        Ok(record)
    }

    fn story_of(&self) -> Story {
        let scenario = self.scenario;
        let phase = |phase: &crate::scenario::Phase| PhaseRecord {
            start: phase.range.start,
            end: phase.range.end,
            what: phase.condition.to_string(),
            note: phase.note.clone(),
        };
        Story {
            name: scenario.name.clone(),
            title: scenario.title.clone(),
            source: scenario.source.clone(),
            notes: scenario.notes.clone(),
            phases: scenario.phases.iter().map(phase).collect(),
            preset: scenario.deal.preset.map(|preset| preset.service.to_owned()),
        }
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
        history.extend(oracle_moments(found).into_iter().map(|moment| (0, moment)));
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
fn reading(provisional: Option<&Provisional>, view: &EscrowView) -> anyhow::Result<Option<Report>> {
    let is_paid_by = |found: &&Provisional| view.outcome.as_ref().is_none_or(|paid| found.outcome == *paid);
    let report = provisional.filter(is_paid_by).map(|found| serde_json::from_value(found.report.clone()));
    report.transpose().context("the oracle's report")
}

fn hex(bytes: &HexBytes) -> String {
    hex::encode(&bytes.0)
}

fn oracle_moments(found: &Found) -> Vec<Moment> {
    let Some(event) = &found.event else { return Vec::new() };
    let moment = |at: UnixSeconds, what: String| Moment { at, who: "oracle".to_owned(), what };
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

fn payouts(provider_sat: Sat, buyer_sat: Sat, view: &EscrowView, found: &Found, both: &Both) -> Payouts {
    let agreement = &view.agreement;
    let refunded = found.closing.as_ref().is_some_and(|(kind, _)| kind == "refund");
    let agreed = match &view.outcome {
        Some(outcome) => agreement.compile().ok().and_then(|table| table.at(outcome)).map(|provider| Split {
            provider_sat: provider,
            buyer_sat: Sat(agreement.total_sat().0 - provider.0),
        }),
        None if refunded => Some(Split { provider_sat: agreement.bond_sat, buyer_sat: agreement.price_sat }),
        None => None,
    };
    let paid = found.closing.as_ref().map(|(_, placed)| Split {
        provider_sat: paid_to(Some(&placed.transaction), &both.provider.payout_script),
        buyer_sat: paid_to(Some(&placed.transaction), &both.buyer.payout_script),
    });
    Payouts { expected: Split { provider_sat, buyer_sat }, agreed, paid }
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
    Ok(Transactions { funding, settling, refund })
}
