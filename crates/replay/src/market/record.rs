//! What came of a market: the data behind the table, the JSON and the page.

use ledger::{Report, SliceVerdict};
use protocol::owner::SaidView;
use serde::{Deserialize, Serialize};
use terms::{Agreement, EventId, Hex32, Outcome, Sat, TermsHash, TimeRange, UnixSeconds};

use crate::record::{ChainRecord, Check, Messages, Moment, PartyRecord, PhaseRecord, Split, TxRecord};
use crate::scenario::Head;

/// What came of a market. Version 1; written by `earnest replay --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketRecord {
    /// The shape's version: 1.
    pub v: u64,
    /// Which kind of scenario this came of: a market's is `market`.
    pub kind: Kind,
    /// Whether all that the scenario expects holds.
    pub passed: bool,
    /// The scenario.
    pub scenario: Head,
    /// Each expectation, and whether it holds.
    pub checks: Vec<Check>,
    /// When services were measured.
    pub windows: Vec<TimeRange>,
    /// The oracle's x-only key.
    pub oracle: Hex32,
    /// What stood in the directory before anybody bought, by the providers' names.
    pub listings: Vec<ListingRecord>,
    /// What was measured, by provider.
    pub services: Vec<ServiceRecord>,
    /// What became of everybody: providers, then buyers, in the file's order.
    pub parties: Vec<MemberRecord>,
    /// Every negotiation, in order.
    pub negotiations: Vec<TalkRecord>,
    /// Every escrow, in the order of the agreements.
    pub escrows: Vec<EscrowRecord>,
    /// What all coins came to, before and after.
    pub satoshis: Balance,
    /// The chain.
    pub chain: ChainRecord,
    /// What happened, in order.
    pub history: Vec<Moment>,
}

/// The one word that tells a market's JSON from an escrow's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A market.
    Market,
}

/// One provider's listing, as the directory gave it to everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingRecord {
    /// The provider's name here.
    pub provider: String,
    /// The key that signed it.
    pub key: Hex32,
    /// What it says about itself.
    pub summary: String,
    /// The hosts that it has offers about.
    pub services: Vec<String>,
    /// When it was made.
    pub at: UnixSeconds,
    /// Until when it is good.
    pub expires: UnixSeconds,
    /// How many offers its card had.
    pub offers: u64,
}

/// One provider's service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRecord {
    /// Whose it is.
    pub provider: String,
    /// The URL that was probed.
    pub target: String,
    /// What was asked for a window.
    pub price_sat: Sat,
    /// What the provider locks besides.
    pub bond_sat: Sat,
    /// When it failed, by plan.
    pub outages: Vec<PhaseRecord>,
    /// What the oracle found, window by window.
    pub windows: Vec<WindowRecord>,
}

/// One service in one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRecord {
    /// The window.
    pub window: TimeRange,
    /// The measured event.
    pub event_id: EventId,
    /// What was attested; `None` when nothing was.
    pub outcome: Option<Outcome>,
    /// How the oracle explains it.
    pub reading: Option<Report>,
    /// Whether the audit of the evidence holds; `None` where there is none.
    pub audited: Option<bool>,
    /// So many escrows on it.
    pub escrows: u64,
    /// The window's slices, for the page; the JSON has the evidence's figures alone.
    #[serde(skip)]
    pub slices: Vec<SliceVerdict>,
}

/// On which side somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It sells.
    Provider,
    /// It buys.
    Buyer,
}

/// One party's account over the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// Its name.
    pub name: String,
    /// On which side it is.
    pub side: Side,
    /// Its identity.
    pub key: Hex32,
    /// In so many escrows.
    pub escrows: u64,
    /// What its wallet held at the start.
    pub start_sat: Sat,
    /// What it locked in all its escrows.
    pub locked_sat: Sat,
    /// What it paid in fees.
    pub fees_sat: Sat,
    /// What the closing transactions paid it.
    pub paid_out_sat: Sat,
    /// What its wallet held at the end.
    pub end_sat: Sat,
    /// What the file expects of it.
    pub expected: Figures,
    /// Its receipts.
    pub receipts: ReceiptsRecord,
}

/// What a file expects of a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// In so many escrows.
    pub escrows: u64,
    /// What it locks.
    pub locked_sat: Sat,
    /// What it is paid.
    pub paid_out_sat: Sat,
}

/// What `earnest receipts verify` said of a node's export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsRecord {
    /// So many lines.
    pub lines: u64,
    /// So many signed roots.
    pub batches: u64,
    /// Whether every line stands where it was written, as it was.
    pub verified: bool,
    /// What the lines say that was locked.
    pub locked_sat: Sat,
    /// What they say that escrows paid this party.
    pub paid_out_sat: Sat,
}

/// One negotiation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkRecord {
    /// When.
    pub at: UnixSeconds,
    /// Who asked.
    pub buyer: String,
    /// Whom.
    pub provider: String,
    /// About which window.
    pub window: TimeRange,
    /// What it is worth to the buyer.
    pub worth_sat: Sat,
    /// The most that its agent may pay.
    pub maximum_sat: Sat,
    /// Everything that was said.
    pub said: Vec<SaidView>,
    /// The price that both took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_sat: Option<Sat>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// One escrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscrowRecord {
    /// Its id, at both nodes.
    pub id: String,
    /// Who sells.
    pub seller: String,
    /// Who buys.
    pub shopper: String,
    /// Its agreement, as both nodes hold it.
    pub agreement: Agreement,
    /// Its hash.
    pub terms_hash: TermsHash,
    /// What was attested.
    pub outcome: Option<Outcome>,
    /// What each should get, and got.
    pub payouts: Paid,
    /// The provider's account of this escrow.
    pub provider: PartyRecord,
    /// The buyer's.
    pub buyer: PartyRecord,
    /// The two DLC messages that bring coins and scripts.
    pub messages: Messages,
    /// What is on the chain.
    pub transactions: Settlement,
    /// Whether `earnest transcript verify` holds, down to the closing transaction.
    pub transcript_verified: bool,
}

/// What each side of an escrow should get, and what it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// What the agreement's schedule pays at the attested outcome.
    pub agreed: Option<Split>,
    /// What the closing transaction's outputs pay.
    pub paid: Option<Split>,
}

/// The two transactions of an escrow that are on the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Locks price and bond.
    pub funding: Option<TxRecord>,
    /// Pays them out.
    pub settling: Option<TxRecord>,
}

/// Where all satoshis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What all parties were given.
    pub start_sat: Sat,
    /// What all their wallets say that they hold at the end.
    pub end_sat: Sat,
    /// What the chain says that miners got of it.
    pub fees_sat: Sat,
    /// What the chain's unspent outputs hold of it.
    pub unspent_sat: Sat,
    /// So many transactions moved any of it.
    pub transactions: u64,
}

impl MarketRecord {
    /// What was agreed for all windows together.
    pub fn prices_sat(&self) -> Sat {
        Sat(self.escrows.iter().map(|escrow| escrow.agreement.price_sat.0).sum())
    }

    /// What buyers got of price and bond, together.
    pub fn paid_back_sat(&self) -> Sat {
        self.paid().map_or(Sat(0), |paid| paid.buyer_sat)
    }

    /// What closing transactions paid providers and buyers, all together.
    pub fn paid(&self) -> Option<Split> {
        let paid = self.escrows.iter().filter_map(|escrow| escrow.payouts.paid);
        paid.reduce(|one, other| Split {
            provider_sat: Sat(one.provider_sat.0 + other.provider_sat.0),
            buyer_sat: Sat(one.buyer_sat.0 + other.buyer_sat.0),
        })
    }

    /// A party of this name.
    pub fn party(&self, name: &str) -> Option<&MemberRecord> {
        self.parties.iter().find(|party| party.name == name)
    }

    /// Those on one side, in the file's order.
    pub fn side(&self, side: Side) -> impl Iterator<Item = &MemberRecord> {
        self.parties.iter().filter(move |party| party.side == side)
    }

    /// The escrows between two parties, in order.
    pub fn between<'a>(
        &'a self,
        provider: &'a str,
        buyer: &'a str,
    ) -> impl Iterator<Item = &'a EscrowRecord> {
        self.escrows.iter().filter(move |escrow| escrow.seller == provider && escrow.shopper == buyer)
    }

    /// How it ended, in a few words.
    pub fn end_in_words(&self) -> String {
        let settled = self.escrows.iter().filter(|escrow| escrow.payouts.paid.is_some()).count();
        format!("{settled} of {} paid", crate::text::counted(self.escrows.len() as u64, "escrow", "escrows"))
    }
}

impl EscrowRecord {
    /// Its window.
    pub fn window(&self) -> TimeRange {
        self.agreement.measurement.window
    }
}

impl MemberRecord {
    /// What its wallet must hold at the end: what it began with, less what it locked and paid in fees, and what it was paid.
    pub fn due_sat(&self) -> Sat {
        let came = self.start_sat.0 + self.paid_out_sat.0;
        Sat(came.saturating_sub(self.locked_sat.0 + self.fees_sat.0))
    }
}
