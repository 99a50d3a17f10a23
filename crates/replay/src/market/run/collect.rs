//! Asking everybody what happened, after it happened.

use anyhow::Context as _;
use ledger::{Report, SliceVerdict};
use protocol::owner::AlarmKind;
use terms::{EventId, Sat};

use super::books::Deal;
use super::chain::{Chain, Trail};
use super::checks;
use super::director::Director;
use super::funds::Coins;
use super::trade::{End, Talk};
use super::world::Member;
use crate::market::file::Provider;
use crate::market::record::{
    Balance, EscrowRecord, Figures, Kind, MarketRecord, MemberRecord, ServiceRecord, Side, TalkRecord,
    WindowRecord,
};
use crate::record::{ChainRecord, Moment, PartyRecord, PhaseRecord};
use crate::run::blocking::with_node;
use crate::text;

/// What a party's escrows come to.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    escrows: u64,
    locked: u64,
    fees: u64,
    paid_out: u64,
}

impl Director<'_> {
    /// Everything that a record needs. Simulated time is held meanwhile.
    pub(super) async fn collect(&mut self, coins: &Coins) -> anyhow::Result<MarketRecord> {
        let chain = with_node(&self.world.bitcoind, Chain::read).await.context("the chain")?;
        let deals = self.deals().await?;
        let mut escrows = Vec::new();
        for deal in &deals {
            let buyer = self.world.buyer(deal.buyer);
            let verified = self.transcript(buyer, &deal.views[1].id).await?;
            escrows.push(self.escrow_record(deal, &chain, verified)?);
        }
        let parties = self.parties(&escrows).await?;
        let trail = chain.follow(coins);
        let mut record = MarketRecord {
            v: 1,
            kind: Kind::Market,
            passed: false,
            scenario: self.market.head.clone(),
            checks: Vec::new(),
            windows: self.market.windows.clone(),
            oracle: self.world.oracle.key,
            listings: self.listings.clone(),
            services: self.services(&deals).await?,
            satoshis: self.balance(&parties, &trail),
            parties,
            negotiations: self.talks.iter().map(|talk| self.talk_record(talk)).collect(),
            history: self.history(&escrows),
            escrows,
            chain: self.chain_record(&chain),
        };
        record.checks = checks::all(self.market, &record, &deals, &self.alarms().await?);
        record.passed = record.checks.iter().all(|check| check.holds);
        Ok(record)
    }

    fn chain_record(&self, chain: &Chain) -> ChainRecord {
        ChainRecord {
            bitcoind: chain.bitcoind.clone(),
            height: chain.height,
            block_every_s: self.market.chain.block_every_s,
            confirmations: self.market.chain.confirmations,
        }
    }

    fn balance(&self, parties: &[MemberRecord], trail: &Trail) -> Balance {
        Balance {
            start_sat: self.market.start_sat(),
            end_sat: Sat(parties.iter().map(|party| party.end_sat.0).sum()),
            fees_sat: Sat(trail.fees.to_sat()),
            unspent_sat: Sat(trail.unspent.to_sat()),
            transactions: trail.transactions,
        }
    }

    async fn services(&self, deals: &[Deal]) -> anyhow::Result<Vec<ServiceRecord>> {
        let mut services = Vec::new();
        for provider in &self.market.providers {
            let mut windows = Vec::new();
            for window in &self.market.windows {
                let event = self.market.measurement(provider, *window).event_id();
                let escrows = deals.iter().filter(|deal| deal.views[0].event_id == event).count();
                windows.push(self.window(*window, event, escrows as u64).await?);
            }
            services.push(service(provider, windows));
        }
        Ok(services)
    }

    async fn window(
        &self,
        window: terms::TimeRange,
        event_id: EventId,
        escrows: u64,
    ) -> anyhow::Result<WindowRecord> {
        let oracle = &self.world.oracle.client;
        let event = oracle.event(&event_id).await?.context("the oracle forgot an event")?;
        let provisional = event.provisional.as_ref();
        let reading = provisional.map(|found| serde_json::from_value::<Report>(found.report.clone()));
        let attested = oracle.attestation(&event_id).await?.is_some();
        let outcome = provisional.filter(|_| attested).map(|found| found.outcome.clone());
        let audited = self.audit(&event_id).await?;
        let slices = self.slices(&event_id).await?;
        let reading = reading.transpose().context("the oracle's report")?;
        Ok(WindowRecord { window, event_id, outcome, reading, audited, escrows, slices })
    }

    async fn slices(&self, event: &EventId) -> anyhow::Result<Vec<SliceVerdict>> {
        let mut slices: Vec<SliceVerdict> = Vec::new();
        loop {
            let page = self.world.oracle.client.slices(event, slices.len() as u64).await?;
            let Some(page) = page.filter(|page| !page.slices.is_empty()) else { return Ok(slices) };
            for slice in page.slices {
                slices.push(serde_json::from_value(slice).context("a slice's verdict")?);
            }
        }
    }

    async fn parties(&self, escrows: &[EscrowRecord]) -> anyhow::Result<Vec<MemberRecord>> {
        let expected = self.market.providers.iter().map(|provider| checks::expected(&provider.expected));
        let buyers = self.market.buyers.iter().map(|buyer| checks::expected(&buyer.expected));
        let mut parties = Vec::new();
        for (member, expected) in self.world.members.iter().zip(expected.chain(buyers)) {
            parties.push(self.member(member, expected, escrows).await?);
        }
        Ok(parties)
    }

    async fn member(
        &self,
        member: &Member,
        expected: Figures,
        escrows: &[EscrowRecord],
    ) -> anyhow::Result<MemberRecord> {
        let sums = sums(member, escrows);
        let balance = member.party.owner.balance().await?;
        let held = balance.available_sat.0 + balance.reserved_sat.0 + balance.pending_sat.0;
        Ok(MemberRecord {
            name: member.name.clone(),
            side: member.side,
            key: member.party.key,
            escrows: sums.escrows,
            start_sat: self.market.purse.start_sat(member.side),
            locked_sat: Sat(sums.locked),
            fees_sat: Sat(sums.fees),
            paid_out_sat: Sat(sums.paid_out),
            end_sat: Sat(held + balance.locked_sat.0),
            expected,
            receipts: self.receipts(member).await?,
        })
    }

    /// What owners should look at; that a limit is nearly used up is no trouble.
    async fn alarms(&self) -> anyhow::Result<Vec<(String, AlarmKind)>> {
        let mut alarms = Vec::new();
        for member in &self.world.members {
            for alarm in member.party.owner.alarms().await? {
                if alarm.kind != AlarmKind::LimitNear {
                    alarms.push((member.name.clone(), alarm.kind));
                }
            }
        }
        Ok(alarms)
    }

    fn talk_record(&self, talk: &Talk) -> TalkRecord {
        let buyer = &self.market.buyers[talk.buyer];
        let (said, ended) = match &talk.end {
            End::Told(told) => (told.said.clone(), told.ended.clone()),
            End::Refused(why) => (Vec::new(), Some(why.clone())),
        };
        let agreed_sat = talk.agreed().map(|(_, price)| price);
        TalkRecord {
            at: talk.at,
            buyer: buyer.name.clone(),
            provider: self.market.providers[talk.choice.provider].name.clone(),
            window: talk.choice.window,
            worth_sat: talk.worth,
            maximum_sat: buyer.strategy(talk.worth).maximum_sat,
            said,
            agreed_sat,
            refused: if agreed_sat.is_some() { None } else { ended },
        }
    }

    /// What was planned and what agents did, what the oracle signed and which blocks paid, in order.
    fn history(&self, escrows: &[EscrowRecord]) -> Vec<Moment> {
        let mut history = self.story.clone();
        for window in &self.market.windows {
            let at = terms::UnixSeconds(window.end.0 + self.market.chain.publication_delay_s);
            let what = format!("signs the outcomes of the window of {}", text::time_of_day(window.start));
            history.push(Moment { at, who: "oracle".to_owned(), what });
        }
        history.extend(blocks(escrows, "funding", |escrow| escrow.transactions.funding.as_ref()));
        history.extend(blocks(escrows, "closing", |escrow| escrow.transactions.settling.as_ref()));
        history.sort_by_key(|moment| moment.at);
        history
    }
}

/// A line for each block that holds transactions of a kind.
fn blocks<'a>(
    escrows: &'a [EscrowRecord],
    kind: &str,
    of: impl Fn(&'a EscrowRecord) -> Option<&'a crate::record::TxRecord>,
) -> Vec<Moment> {
    let mut places: Vec<_> =
        escrows.iter().filter_map(of).filter_map(|tx| Some((tx.height?, tx.time?))).collect();
    places.sort_unstable();
    let counted = |places: &[(u32, terms::UnixSeconds)]| {
        let (height, at) = *places.first()?;
        let transactions = format!("{kind} transaction");
        let many = text::counted(places.len() as u64, &transactions, &format!("{transactions}s"));
        Some(Moment { at, who: "chain".to_owned(), what: format!("holds {many} in block {height}") })
    };
    places.chunk_by(|one, other| one == other).filter_map(counted).collect()
}

fn sums(member: &Member, escrows: &[EscrowRecord]) -> Sums {
    let own = escrows.iter().filter_map(|escrow| match member.side {
        Side::Provider => (escrow.seller == member.name).then_some(&escrow.provider),
        Side::Buyer => (escrow.shopper == member.name).then_some(&escrow.buyer),
    });
    own.fold(Sums::default(), |sums, part: &PartyRecord| Sums {
        escrows: sums.escrows + 1,
        locked: sums.locked + part.locked_sat.0,
        fees: sums.fees + part.fees_sat.0,
        paid_out: sums.paid_out + part.got_out_sat.0,
    })
}

fn service(provider: &Provider, windows: Vec<WindowRecord>) -> ServiceRecord {
    ServiceRecord {
        provider: provider.name.clone(),
        target: provider.target.clone(),
        price_sat: provider.price_sat,
        bond_sat: provider.bond_sat,
        outages: provider.phases.iter().map(PhaseRecord::of).collect(),
        windows,
    }
}
