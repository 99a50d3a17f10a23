//! What two parties agreed, and the transactions that follow from their messages.

use std::sync::LazyLock;

use bitcoin::{OutPoint, Txid};
use engine::{Bytes, Coin, DlcRole};
use serde::{Deserialize, Serialize};
use terms::{
    Agreement, Credit, Hex32, OracleSet, OutcomeValue, PayoutTable, Piece, Sat, Schedule, Side, UnixSeconds,
};

use super::chain::{Chain, Output, Owner, Tx, What};
use crate::common;

/// What the funding transaction and the contract's own transactions pay, in all.
pub const FUNDING_FEE: u64 = 500;
pub const CLOSING_FEE: u64 = 400;

const HOUR: u64 = 3_600;
/// From the agreement to the funding deadline, from there to the window, and how long that is.
const TO_DEADLINE: u64 = 2 * HOUR;
const TO_WINDOW: u64 = 3 * HOUR;
const WINDOW: u64 = HOUR;
const TO_MATURITY: u64 = 600;
const TO_REFUND: u64 = 12 * HOUR;

/// Who funds, and how many oracles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Both,
    BuyerAlone,
    ProviderAlone,
    TwoOfThree,
}

impl Shape {
    fn amounts(self) -> (Sat, Sat) {
        match self {
            Self::Both | Self::TwoOfThree => (Sat(100_000), Sat(50_000)),
            Self::BuyerAlone => (Sat(100_000), Sat(0)),
            Self::ProviderAlone => (Sat(0), Sat(50_000)),
        }
    }

    fn oracles(self) -> OracleSet {
        let (keys, threshold): (&[u8], u64) =
            if self == Self::TwoOfThree { (&[7, 8, 9], 2) } else { (&[7], 1) };
        OracleSet { keys: keys.iter().map(|tag| Hex32([*tag; 32])).collect(), threshold, tolerance: None }
    }

    fn table(self) -> &'static PayoutTable {
        static TABLES: LazyLock<[PayoutTable; 4]> = LazyLock::new(|| {
            [Shape::Both, Shape::BuyerAlone, Shape::ProviderAlone, Shape::TwoOfThree]
                .map(|shape| agreement(shape, 0).compile().expect("the schedule can be paid"))
        });
        &TABLES[self as usize]
    }
}

/// Terms that were agreed at `now`.
fn agreement(shape: Shape, now: u64) -> Agreement {
    let mut agreement = common::agreement();
    (agreement.price_sat, agreement.bond_sat) = shape.amounts();
    agreement.oracles = shape.oracles();
    let pieces = vec![
        Piece::step(0, Credit::NONE),
        Piece::step(1_000, Credit::of_price(100_000)),
        Piece::step(10_000, Credit::ALL),
    ];
    agreement.payout.schedule = Schedule::Numeric { pieces, quantum_bits: 0 };
    agreement.payout.indeterminate = Credit::of_price(500_000);
    agreement.refund_delay_s = TO_REFUND;
    agreement.funding_deadline = UnixSeconds(now + TO_DEADLINE);
    agreement.measurement.window.start = UnixSeconds(now + TO_DEADLINE + TO_WINDOW);
    agreement.measurement.window.end = UnixSeconds(now + TO_DEADLINE + TO_WINDOW + WINDOW);
    agreement
}

/// One agreement, as both hold it.
#[derive(Clone, Debug)]
pub struct Deal {
    pub id: Hex32,
    pub shape: Shape,
    pub agreement: Agreement,
    pub terms: Hex32,
}

/// An offer's or an accept's own half of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Half {
    pub id: Hex32,
    /// Stands for contract info, locktimes, fee rate: whatever the agreement says.
    pub terms: Hex32,
    pub collateral_sat: u64,
    pub coins: Vec<Coin>,
}

/// A side's signatures over CETs and refund of one funding transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signatures {
    pub funding: Txid,
    pub terms: Hex32,
}

/// What stands in the bytes that the engine carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    Offer(Half),
    Accept(Half, Signatures),
    Sign(Signatures),
}

impl Message {
    pub fn bytes(&self) -> Bytes {
        Bytes(serde_json::to_vec(self).expect("serialises"))
    }

    pub fn read(bytes: &Bytes) -> Self {
        serde_json::from_slice(&bytes.0).expect("only messages are stored")
    }
}

impl Deal {
    pub fn new(id: Hex32, shape: Shape, now: u64) -> Self {
        let agreement = agreement(shape, now);
        let terms = agreement.terms_hash();
        Self { id, shape, agreement, terms }
    }

    pub fn maturity(&self) -> u64 {
        self.agreement.measurement.window.end.0 + TO_MATURITY
    }

    pub fn refund_locktime(&self) -> u64 {
        self.maturity() + self.agreement.refund_delay_s
    }

    /// The buyer offers, but whoever funds alone accepts.
    pub fn role(&self, side: Side) -> DlcRole {
        let offerer = if self.agreement.bond_sat.0 == 0 { Side::Provider } else { Side::Buyer };
        if side == offerer { DlcRole::Offerer } else { DlcRole::Accepter }
    }

    pub fn collateral(&self, side: Side) -> u64 {
        match side {
            Side::Provider => self.agreement.bond_sat.0,
            Side::Buyer => self.agreement.price_sat.0,
        }
    }

    /// What a side puts into the funding transaction besides its change.
    pub fn need(&self, side: Side) -> u64 {
        let fees = FUNDING_FEE + CLOSING_FEE;
        match (self.collateral(side), self.collateral(other(side))) {
            (0, _) => 0,
            (own, 0) => own + fees,
            (own, _) => own + fees / 2,
        }
    }

    pub fn provider_sat(&self, value: u64) -> u64 {
        self.shape.table().at_value(OutcomeValue(value)).expect("on the scale").0
    }

    /// The funding transaction of an offer and an accept, by whoever they are.
    pub fn funding(&self, offer: &Half, accept: &Half) -> Tx {
        let offerer = if self.role(Side::Buyer) == DlcRole::Offerer { Side::Buyer } else { Side::Provider };
        let mut outputs =
            vec![Output { owner: Owner::Both(self.id), sat: self.agreement.total_sat().0 + CLOSING_FEE }];
        for (side, half) in [(offerer, offer), (other(offerer), accept)] {
            let sat = in_all(&half.coins).saturating_sub(self.need(side));
            outputs.extend((sat > 0).then_some(Output { owner: Owner::Party(side), sat }));
        }
        let inputs = offer.coins.iter().chain(&accept.coins).map(|coin| coin.outpoint).collect();
        Tx { what: What::Funding(self.id), inputs, outputs, fee: FUNDING_FEE, locktime: 0 }
    }

    pub fn cet(&self, funding: OutPoint, value: u64) -> Tx {
        let provider_sat = self.provider_sat(value);
        let buyer_sat = self.agreement.total_sat().0 - provider_sat;
        let locktime = self.agreement.measurement.window.end.0;
        self.closing(funding, What::Cet { provider_sat, buyer_sat }, [provider_sat, buyer_sat], locktime)
    }

    pub fn refund(&self, funding: OutPoint) -> Tx {
        let shares = [Side::Provider, Side::Buyer].map(|side| self.collateral(side));
        self.closing(funding, What::Refund, shares, self.refund_locktime())
    }

    pub fn closing(&self, funding: OutPoint, what: What, shares: [u64; 2], locktime: u64) -> Tx {
        let sides = [Side::Provider, Side::Buyer].into_iter().zip(shares);
        let outputs = sides.filter(|(_, sat)| *sat > 0);
        let outputs = outputs.map(|(side, sat)| Output { owner: Owner::Party(side), sat }).collect();
        Tx { what, inputs: vec![funding], outputs, fee: CLOSING_FEE, locktime }
    }

    /// What the gate of `contract` holds a peer's half to.
    pub fn check_half(&self, half: &Half, from: Side, chain: &Chain) -> Result<(), &'static str> {
        if half.id != self.id {
            return Err("the session's id");
        }
        if half.terms != self.terms || half.collateral_sat != self.collateral(from) {
            return Err("the agreed terms");
        }
        if half.coins.is_empty() != (half.collateral_sat == 0) || in_all(&half.coins) < self.need(from) {
            return Err("coins for the collateral");
        }
        let free = chain.coins(from);
        let sound = |coin: &Coin| free.contains(&(coin.outpoint, coin.value_sat.0));
        if half.coins.iter().all(sound) { Ok(()) } else { Err("confirmed unspent coins of its own") }
    }

    /// What the gate holds a peer's signatures to.
    pub fn check_signatures(&self, signatures: &Signatures, funding: &Tx) -> Result<(), &'static str> {
        let expected = Signatures { funding: funding.id(), terms: self.terms };
        if *signatures == expected { Ok(()) } else { Err("signatures over the agreed transactions") }
    }
}

pub fn in_all(coins: &[Coin]) -> u64 {
    coins.iter().map(|coin| coin.value_sat.0).sum()
}

pub fn other(side: Side) -> Side {
    match side {
        Side::Provider => Side::Buyer,
        Side::Buyer => Side::Provider,
    }
}
