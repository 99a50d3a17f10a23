//! The payout table as a DLC contract descriptor.
//!
//! A numeric schedule becomes flat pieces of two points, joined by jumps from one value to the next. Nothing is
//! interpolated over more than one unit, so the library's floating point never rounds, and blocks aligned to powers
//! of two cost one signature each.

use bitcoin::Amount;
use dlc_messages::contract_msgs::{
    ContractDescriptor, ContractInfo, ContractInfoInner, ContractOutcome, EnumeratedContractDescriptor,
    NumericOutcomeContractDescriptor, PayoutCurvePiece, PayoutFunction, PayoutFunctionPiece, PayoutPoint,
    PolynomialPayoutCurvePiece, RoundingInterval, RoundingIntervals, SingleContractInfo,
};
use dlc_messages::oracle_msgs::{MultiOracleInfo, OracleInfo, OracleParams, SingleOracleInfo};
use terms::{Agreement, OutcomeValue, PayoutTable, Sat, Segment, Side, Tolerance};

use crate::announcements::Announcements;
use crate::roles::offerer_side;

/// The contract info that an agreement means; an offer must carry exactly its bytes.
///
/// Payouts are the offerer's. Agreement and announcements must fit together, as a [`crate::Deal`] makes sure.
pub fn contract_info(
    agreement: &Agreement,
    table: &PayoutTable,
    announcements: &Announcements,
) -> ContractInfo {
    let offerer = offerer_side(agreement);
    ContractInfo::SingleContractInfo(SingleContractInfo {
        total_collateral: Amount::from_sat(table.total_sat().0),
        contract_info: ContractInfoInner {
            contract_descriptor: descriptor(table, offerer),
            oracle_info: oracle_info(agreement, announcements),
        },
    })
}

/// A side's part of a payout.
pub(crate) fn part_of(side: Side, total: Sat, provider: Sat) -> Amount {
    match side {
        Side::Provider => Amount::from_sat(provider.0),
        Side::Buyer => Amount::from_sat(total.0.saturating_sub(provider.0)),
    }
}

/// The segments of a numeric table with equal neighbours joined, as the library joins them: one CET each.
pub(crate) fn ranges(segments: &[Segment]) -> Vec<Segment> {
    let mut joined: Vec<Segment> = Vec::with_capacity(segments.len());
    for segment in segments {
        match joined.last_mut() {
            Some(last) if last.provider_sat == segment.provider_sat => last.end = segment.end,
            _ => joined.push(*segment),
        }
    }
    joined
}

fn descriptor(table: &PayoutTable, offerer: Side) -> ContractDescriptor {
    match table {
        PayoutTable::Numeric { total_sat, digits, segments } => {
            ContractDescriptor::NumericOutcomeContractDescriptor(NumericOutcomeContractDescriptor {
                num_digits: u16::try_from(*digits).unwrap_or(u16::MAX),
                payout_function: payout_function(&ranges(segments), *total_sat, offerer),
                rounding_intervals: RoundingIntervals {
                    intervals: vec![RoundingInterval { begin_interval: 0, rounding_mod: 1 }],
                },
            })
        }
        PayoutTable::Levels { total_sat, levels } => {
            let payouts = levels
                .iter()
                .map(|(name, provider)| ContractOutcome {
                    outcome: name.clone(),
                    offer_payout: part_of(offerer, *total_sat, *provider),
                })
                .collect();
            ContractDescriptor::EnumeratedContractDescriptor(EnumeratedContractDescriptor { payouts })
        }
    }
}

/// A point at either end of each range; a piece between every two points.
fn payout_function(ranges: &[Segment], total: Sat, offerer: Side) -> PayoutFunction {
    let mut points: Vec<PayoutPoint> = Vec::with_capacity(ranges.len() * 2);
    for range in ranges {
        let payout = part_of(offerer, total, range.provider_sat);
        points.push(point(range.start, payout));
        if range.end > range.start {
            points.push(point(range.end, payout));
        }
    }
    let last_endpoint = points.pop().unwrap_or_else(|| point(OutcomeValue(0), Amount::ZERO));
    let payout_function_pieces = points
        .into_iter()
        .map(|end_point| PayoutFunctionPiece {
            end_point,
            payout_curve_piece: PayoutCurvePiece::PolynomialPayoutCurvePiece(PolynomialPayoutCurvePiece {
                payout_points: Vec::new(),
            }),
        })
        .collect();
    PayoutFunction { payout_function_pieces, last_endpoint }
}

fn point(outcome: OutcomeValue, payout: Amount) -> PayoutPoint {
    PayoutPoint { event_outcome: outcome.0, outcome_payout: payout, extra_precision: 0 }
}

fn oracle_info(agreement: &Agreement, announcements: &Announcements) -> OracleInfo {
    match announcements.as_slice() {
        [only] => OracleInfo::Single(SingleOracleInfo { oracle_announcement: only.clone() }),
        several => OracleInfo::Multi(MultiOracleInfo {
            threshold: u16::try_from(agreement.oracles.threshold).unwrap_or(u16::MAX),
            oracle_announcements: several.to_vec(),
            oracle_params: agreement.oracles.tolerance.as_ref().map(oracle_params),
        }),
    }
}

/// The library covers as much as it may whatever the flag says, so the flag says what it does.
fn oracle_params(tolerance: &Tolerance) -> OracleParams {
    let exp = |exp| u16::try_from(exp).unwrap_or(u16::MAX);
    OracleParams {
        max_error_exp: exp(tolerance.max_error_exp),
        min_fail_exp: exp(tolerance.min_fail_exp),
        maximize_coverage: true,
    }
}
