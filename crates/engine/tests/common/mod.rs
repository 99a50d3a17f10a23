//! Escrows at the points where stories begin.
#![allow(dead_code, reason = "each test file uses its own part")]

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use engine::{Bytes, ChainView, Coin, Command, DlcRole, Escrow, Opened, Place, SpendKind, SpendView, decide};
use terms::{
    Agreement, Credit, Expectations, Hex32, HttpTarget, Indicator, Measurement, Method, NumericScale,
    OracleSet, OutcomeValue, Party, Payout, Piece, Ppm, Quorum, Rounding, Sat, Scale, Schedule, Side, Target,
    TimeRange, UnixSeconds, Worse,
};

pub const DEADLINE: u64 = 1_000_000;
pub const START: u64 = 1_010_000;
pub const END: u64 = 1_013_600;
pub const MATURITY: u64 = 1_014_200;
pub const REFUND: u64 = MATURITY + 86_400;
pub const BEFORE: u64 = 999_000;

pub fn measurement() -> Measurement {
    Measurement {
        v: 1,
        target: Target::Http(HttpTarget::get(
            "http://service.example/health",
            1_000,
            Expectations::status(200, 299, 1_000),
        )),
        indicator: Indicator::Availability {},
        window: TimeRange { start: UnixSeconds(START), end: UnixSeconds(END) },
        slice_s: 60,
        probe_every_ms: 10_000,
        method: Method::Occurrences {},
        quorum: Quorum { agree: 1, vantages: 1 },
        confirm: None,
        exclusions: vec![],
        least_samples: 1,
        indeterminate_above_ppm: Ppm(100_000),
        rounding: Rounding::Up,
        outcome: Scale::Numeric(NumericScale {
            unit: "ppm".into(),
            digits: 20,
            max: OutcomeValue(1_000_000),
            indeterminate_from: OutcomeValue(1_015_808),
            worse: Worse::Higher,
        }),
    }
}

pub fn agreement() -> Agreement {
    let measurement = measurement();
    let nothing_back = Credit { price_back_ppm: Ppm(0), bond_forfeit_ppm: Ppm(0) };
    Agreement {
        v: 1,
        network: "regtest".into(),
        event_id: measurement.event_id(),
        measurement,
        oracles: OracleSet { keys: vec![Hex32([7; 32])], threshold: 1, tolerance: None },
        provider: Party { key: Hex32([1; 32]) },
        buyer: Party { key: Hex32([2; 32]) },
        price_sat: Sat(100_000),
        bond_sat: Sat(50_000),
        payout: Payout {
            schedule: Schedule::Numeric {
                pieces: vec![Piece { from: OutcomeValue(0), credit: nothing_back, ramp_to: None }],
                quantum_bits: 0,
            },
            indeterminate: nothing_back,
            round_to: Side::Buyer,
        },
        funding_deadline: UnixSeconds(DEADLINE),
        refund_delay_s: 86_400,
        fee_rate_sat_vb: 2,
    }
}

pub fn escrow(role: DlcRole) -> Escrow {
    let side = if role == DlcRole::Offerer { Side::Buyer } else { Side::Provider };
    Escrow::new(Opened {
        id: Hex32([9; 32]),
        side,
        role,
        agreement: agreement(),
        announcements: vec![],
        maturity: MATURITY,
        first_maturity: None,
        temporary_id: Hex32([3; 32]),
        height: 100,
        renews: None,
        sign_by: None,
    })
}

pub fn bytes(tag: u8) -> Bytes {
    Bytes(vec![tag; 4])
}

pub fn coins() -> Vec<Coin> {
    vec![Coin { outpoint: OutPoint::null(), value_sat: Sat(200_000) }]
}

pub fn funding() -> OutPoint {
    OutPoint { txid: Txid::all_zeros(), vout: 1 }
}

pub fn take(escrow: &mut Escrow, command: Command, now: u64) {
    let event = decide(escrow, command, now).expect("allowed").expect("new");
    escrow.apply(&event);
}

/// An accepter that holds the complete funding transaction.
pub fn funded_accepter() -> Escrow {
    let mut escrow = escrow(DlcRole::Accepter);
    let offer = Command::TakeOffer { offer: bytes(1), accept: bytes(2), coins: coins(), funding: funding() };
    take(&mut escrow, offer, BEFORE);
    take(&mut escrow, Command::TakeSign { sign: bytes(3), funding_tx: bytes(4) }, BEFORE);
    escrow
}

/// An offerer whose signatures have left.
pub fn signed_offerer() -> Escrow {
    let mut escrow = escrow(DlcRole::Offerer);
    take(&mut escrow, Command::MakeOffer { offer: bytes(1), coins: coins() }, BEFORE);
    let accept = Command::TakeAccept { accept: bytes(2), sign: bytes(3), funding: funding() };
    take(&mut escrow, accept, BEFORE);
    escrow
}

pub fn view() -> ChainView {
    ChainView {
        height: 200,
        median_time_past: BEFORE,
        depth: 6,
        funding: Place::Unknown,
        spend: None,
        cancel: Place::Unknown,
    }
}

pub fn funded_view() -> ChainView {
    ChainView { funding: Place::Confirmed { height: 150 }, ..view() }
}

pub fn spend(kind: SpendKind, place: Place) -> Option<SpendView> {
    Some(SpendView { txid: Txid::all_zeros(), kind, place })
}

pub const CET: SpendKind = SpendKind::Cet { provider_sat: Sat(150_000), buyer_sat: Sat(0) };
