//! `[market]`: a scenario of many parties, read and checked.

mod buyer;
mod limits;
mod measure;
mod party;
mod provider;

use std::path::Path;

use terms::presets::Preset;
use terms::{Hex32, Measurement, Payout, Sat, Target, TimeRange, UnixSeconds};

pub use buyer::Buyer;
pub use limits::Limits;
pub use party::Expected;
pub use provider::Provider;

use crate::scenario::agreement::{self, MAX_SAT};
use crate::scenario::chain::{self, bounded};
use crate::scenario::measure::Measured;
use crate::scenario::reader::Table;
use crate::scenario::{ChainPlan, Head, ScenarioError};
use party::Names;

/// The most windows, one after the other.
const MAX_WINDOWS: u64 = 24;

/// The most providers, and the most buyers: each is a process.
const MAX_PARTIES: usize = 20;

/// The most coins that a party begins with.
const MAX_COINS: u64 = 64;

/// Blocks until wallets have seen their coins and the directory its listings, and for the last funding to be mined in time.
const BLOCKS_TO_OPEN: u64 = 5;

/// The most escrows of a market.
const MAX_ESCROWS: u64 = 1_000;

/// One market, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// Name, title, source and notes.
    pub head: Head,
    /// What all agreements have in common.
    pub bargain: Bargain,
    /// What the oracle measures of each service in each window, but for the target and the window.
    base: Measurement,
    /// What services answer when nothing is wrong.
    pub body: Vec<u8>,
    /// When services are measured, one window after the other.
    pub windows: Vec<TimeRange>,
    /// What parties begin with.
    pub purse: Purse,
    /// Who sells, in the file's order.
    pub providers: Vec<Provider>,
    /// Who buys, in the file's order.
    pub buyers: Vec<Buyer>,
    /// How the chain and the nodes keep time.
    pub chain: ChainPlan,
    /// So many escrows must settle in all.
    pub escrows: u64,
    /// So many negotiations must end without an agreement.
    pub without_agreement: u64,
}

/// What all agreements of a market have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bargain {
    /// What each outcome pays.
    pub payout: Payout,
    /// The preset that the payout came from, for the report.
    pub preset: Option<&'static Preset>,
    /// Seconds from maturity until the refund.
    pub refund_delay_s: u64,
    /// Fee rate of funding, CETs and refund.
    pub fee_rate_sat_vb: u64,
}

/// What each party has at the start: coins of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse {
    /// What each coin is worth.
    pub coin_sat: Sat,
    /// So many for each provider.
    pub provider_coins: u64,
    /// So many for each buyer.
    pub buyer_coins: u64,
}

/// Reads a file that has a `[market]`; whatever else it has is refused when the root is closed.
pub(crate) fn read(root: &Table<'_>, file: &Path) -> Result<Market, ScenarioError> {
    let head = Head::read(root, file)?;
    let table = root.need("market")?.table()?;
    let terms = table.need("agreement")?.table()?;
    let preset = agreement::preset(&terms)?;
    let bargain = bargain(&terms, preset)?;
    let Measured { measurement: base, body } = measure::read(table.need("measurement")?.table()?, preset)?;
    let count = table.read("windows", |field| field.number(1..=MAX_WINDOWS))?.unwrap_or(1);
    let windows = windows(base.window, count);
    let chain = chain::read(root.read("chain", |field| field.table())?, &base)?;
    let expect = table.need("expect")?.table()?;
    let mut market = Market {
        head,
        bargain,
        base,
        body,
        windows,
        purse: purse(&table)?,
        providers: Vec::new(),
        buyers: Vec::new(),
        chain,
        escrows: expect.need("escrows")?.number(0..=MAX_ESCROWS)?,
        without_agreement: expect
            .read("without_agreement", |field| field.number(0..=MAX_ESCROWS))?
            .unwrap_or(0),
    };
    expect.close()?;
    parties(&mut market, &table)?;
    market.leave_time_to_trade();
    terms.close()?;
    table.close()?;
    Ok(market)
}

fn bargain(table: &Table<'_>, preset: Option<&'static Preset>) -> Result<Bargain, ScenarioError> {
    Ok(Bargain {
        payout: agreement::payout(table, preset.as_ref())?,
        preset,
        refund_delay_s: table
            .read("refund_delay", |field| bounded(field, 3600, 365 * 86_400))?
            .unwrap_or(7 * 86_400),
        fee_rate_sat_vb: table.read("fee_rate", |field| field.number(1..=1000))?.unwrap_or(2),
    })
}

fn purse(table: &Table<'_>) -> Result<Purse, ScenarioError> {
    let coins = |key| table.need(key)?.number(1..=MAX_COINS);
    Ok(Purse {
        coin_sat: Sat(table.need("coin_sat")?.number(10_000..=MAX_SAT / 10_000)?),
        provider_coins: coins("provider_coins")?,
        buyer_coins: coins("buyer_coins")?,
    })
}

fn windows(first: TimeRange, count: u64) -> Vec<TimeRange> {
    let length_s = first.seconds();
    let start = |index| first.start.0 + index * length_s;
    let window =
        |index| TimeRange { start: UnixSeconds(start(index)), end: UnixSeconds(start(index) + length_s) };
    (0..count).map(window).collect()
}

fn parties(market: &mut Market, table: &Table<'_>) -> Result<(), ScenarioError> {
    let mandate = table.need("mandate")?.table()?;
    let limits = Limits::read(&mandate)?;
    mandate.close()?;
    limits.check(table)?;
    let mut names = Names::default();
    for entry in tables(table, "provider")? {
        let provider = provider::read(entry, market, &limits, &mut names)?;
        market.providers.push(provider);
    }
    for entry in tables(table, "buyer")? {
        let buyer = buyer::read(entry, market, &limits, &mut names)?;
        market.buyers.push(buyer);
    }
    Ok(())
}

fn tables<'a>(table: &Table<'a>, key: &str) -> Result<Vec<Table<'a>>, ScenarioError> {
    let tables = table.need(key)?.tables()?;
    if (1..=MAX_PARTIES).contains(&tables.len()) {
        return Ok(tables);
    }
    Err(table.error_at(key, format!("must have 1 to {MAX_PARTIES} entries")))
}

impl Market {
    /// Buyers buy one window after the other, with a block between; a start that is too late for that is moved ahead.
    fn leave_time_to_trade(&mut self) {
        let rounds = self.buyers.iter().map(|buyer| buyer.wants).max().unwrap_or(0);
        let trading_s = (BLOCKS_TO_OPEN + rounds) * self.chain.block_every_s;
        self.chain.lead_s = self.chain.lead_s.max(self.chain.funding_margin_s + trading_s);
    }

    /// The moment at which simulated time starts: before the first window, so that contracts can be funded.
    pub fn starts(&self) -> UnixSeconds {
        UnixSeconds(self.span().start.0 - self.chain.lead_s)
    }

    /// From the first window's start to the last one's end.
    pub fn span(&self) -> TimeRange {
        let end = self.windows.last().map_or(self.base.window.end, |last| last.end);
        TimeRange { start: self.base.window.start, end }
    }

    /// The moment at which the replay gives up: long after even a refund is final.
    pub fn gives_up(&self) -> UnixSeconds {
        let refund = self.span().end.0 + self.chain.publication_delay_s + self.bargain.refund_delay_s;
        // Median time past trails the tip by up to eleven blocks; then come the confirmations.
        let blocks = 24 + u64::from(self.chain.confirmations);
        UnixSeconds(refund + blocks * self.chain.block_every_s + 4 * self.chain.poll_every_s)
    }

    /// What the oracle measures of a service in a window.
    pub fn measurement(&self, provider: &Provider, window: TimeRange) -> Measurement {
        measure::of(&self.base, &provider.target, window)
    }

    /// How long a slice is, in seconds.
    pub fn slice_s(&self) -> u64 {
        self.base.slice_s
    }

    /// How often a service is probed, in milliseconds.
    pub fn probe_every_ms(&self) -> u64 {
        self.base.probe_every_ms
    }

    /// The scale of every outcome.
    pub fn scale(&self) -> &terms::Scale {
        &self.base.outcome
    }

    /// The whole span as if it were one window: phases are held to its grid.
    fn grid(&self) -> Measured {
        let measurement = Measurement { window: self.span(), ..self.base.clone() };
        Measured { measurement, body: self.body.clone() }
    }

    /// What every coin of every party comes to.
    pub fn start_sat(&self) -> Sat {
        let each = |coins: u64, parties: usize| self.purse.coin_sat.0 * coins * parties as u64;
        let providers = each(self.purse.provider_coins, self.providers.len());
        Sat(providers + each(self.purse.buyer_coins, self.buyers.len()))
    }
}

/// A key that stands in for the oracle's where only a run has one.
const ANY_ORACLE: Hex32 = Hex32([3; 32]);

/// A target's host, such as `atlas.example`.
pub(crate) fn host(target: &str) -> String {
    let url: Option<url::Url> = target.parse().ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// The same measurement of another service.
fn aimed(target: &Target, url: &str) -> Target {
    match target {
        Target::Http(http) => Target::Http(terms::HttpTarget { url: url.to_owned(), ..http.clone() }),
        other => other.clone(),
    }
}
