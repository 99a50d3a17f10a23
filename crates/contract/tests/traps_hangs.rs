//! "One message hangs or kills the process": one test for each row, named after the message.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use bitcoin::{Amount, Transaction};
use common::documents::Draft;
use common::party::pays;
use common::{Escrow, NOW, read};
use contract::{Deal, GateError, Message, Rule, gate};
use dlc_messages::contract_msgs::{
    ContractDescriptor, ContractInfo, ContractInfoInner, DisjointContractInfo,
    NumericOutcomeContractDescriptor, PayoutCurvePiece,
};
use dlc_messages::lightning::util::ser::Writeable;
use dlc_messages::oracle_msgs::{MultiOracleInfo, OracleInfo, OracleParams};
use dlc_messages::{AcceptDlc, OfferDlc};

fn inner(offer: &mut OfferDlc) -> &mut ContractInfoInner {
    let ContractInfo::SingleContractInfo(single) = &mut offer.contract_info else { unreachable!() };
    &mut single.contract_info
}

fn numeric(offer: &mut OfferDlc) -> &mut NumericOutcomeContractDescriptor {
    let ContractDescriptor::NumericOutcomeContractDescriptor(numeric) = &mut inner(offer).contract_descriptor
    else {
        unreachable!()
    };
    numeric
}

/// The field that the accepter's gate names when the contract info of an offer is changed.
fn field_of(change: impl FnOnce(&mut OfferDlc)) -> String {
    let error = Escrow::standard().refused_offer(change);
    assert_eq!(error.message, Message::Offer);
    error.field.into_owned()
}

fn multi(offer: &mut OfferDlc, threshold: u16, count: usize, oracle_params: Option<OracleParams>) {
    let info = &mut inner(offer).oracle_info;
    let OracleInfo::Single(single) = info else { unreachable!() };
    let oracle_announcements = vec![single.oracle_announcement.clone(); count];
    *info = OracleInfo::Multi(MultiOracleInfo { threshold, oracle_announcements, oracle_params });
}

#[test]
fn funding_points_out_of_order() {
    let field = field_of(|offer| {
        let pieces = &mut numeric(offer).payout_function.payout_function_pieces;
        let mut middle = pieces[0].end_point.clone();
        middle.event_outcome = 1 << 40;
        let PayoutCurvePiece::PolynomialPayoutCurvePiece(piece) = &mut pieces[1].payout_curve_piece else {
            unreachable!()
        };
        piece.payout_points.push(middle);
    });
    assert_eq!(field, "contract_info.payout_function");
    let field = field_of(|offer| numeric(offer).payout_function.payout_function_pieces.swap(0, 2));
    assert_eq!(field, "contract_info.payout_function");
}

#[test]
fn a_slope_over_all_digits() {
    let field = field_of(|offer| {
        let function = &mut numeric(offer).payout_function;
        function.payout_function_pieces.truncate(1);
        function.last_endpoint.event_outcome = (1 << 25) - 1;
        numeric(offer).num_digits = 25;
    });
    assert_eq!(field, "contract_info.num_digits");
}

#[test]
fn payout_above_total() {
    let above = Amount::from_sat(140_001);
    let field = field_of(|offer| {
        numeric(offer).payout_function.payout_function_pieces[0].end_point.outcome_payout = above;
    });
    assert_eq!(field, "contract_info.payout_function");
    let error = Escrow::of(Draft::levels()).refused_offer(|offer| {
        let ContractDescriptor::EnumeratedContractDescriptor(levels) = &mut inner(offer).contract_descriptor
        else {
            unreachable!()
        };
        levels.payouts[0].offer_payout = above;
    });
    assert_eq!(&*error.field, "contract_info.payouts");
}

#[test]
fn offer_collateral_above_total() {
    assert_eq!(field_of(|offer| offer.offer_collateral = Amount::from_sat(140_001)), "offer_collateral");
    assert_eq!(field_of(|offer| offer.offer_collateral = Amount::from_sat(u64::MAX)), "offer_collateral");
}

#[test]
fn accept_collateral_past_the_largest_number() {
    let error =
        Escrow::standard().refused_accept(|accept| accept.accept_collateral = Amount::from_sat(u64::MAX));
    assert_eq!((error.message, &*error.field), (Message::Accept, "accept_collateral"));
}

#[test]
fn total_collateral_other_than_agreed() {
    let field = field_of(|offer| {
        let ContractInfo::SingleContractInfo(single) = &mut offer.contract_info else { unreachable!() };
        single.total_collateral = Amount::from_sat(u64::MAX);
    });
    assert_eq!(field, "contract_info.total_collateral");
}

#[test]
fn oracle_list_empty() {
    let field = field_of(|offer| multi(offer, 1, 0, None));
    assert_eq!(field, "contract_info.oracle_info.oracle_announcements");
    let escrow = Escrow::standard();
    let error = Deal::new(escrow.agreement().clone(), vec![]).unwrap_err();
    assert_eq!(error.rule, Rule::WrongCount { expected: 1, got: 0 });
}

#[test]
fn no_pieces() {
    let field = field_of(|offer| numeric(offer).payout_function.payout_function_pieces.clear());
    assert_eq!(field, "contract_info.payout_function");
}

#[test]
fn no_outcomes() {
    let error = Escrow::of(Draft::levels()).refused_offer(|offer| {
        let ContractDescriptor::EnumeratedContractDescriptor(levels) = &mut inner(offer).contract_descriptor
        else {
            unreachable!()
        };
        levels.payouts.clear();
    });
    assert_eq!(&*error.field, "contract_info.payouts");
}

#[test]
fn threshold_zero() {
    assert_eq!(field_of(|offer| multi(offer, 0, 1, None)), "contract_info.oracle_info.threshold");
    agreement_refused("oracles.threshold", |agreement| agreement.oracles.threshold = 0);
}

#[test]
fn threshold_above_n() {
    assert_eq!(field_of(|offer| multi(offer, 2, 1, None)), "contract_info.oracle_info.threshold");
    agreement_refused("oracles.threshold", |agreement| agreement.oracles.threshold = 2);
}

/// The deal refuses an agreement with a change; the document's own rules name the field.
fn agreement_refused(field: &str, change: impl FnOnce(&mut terms::Agreement)) {
    let escrow = Escrow::standard();
    let mut agreement = escrow.agreement().clone();
    change(&mut agreement);
    let announcements = vec![escrow.oracles[0].announce(escrow.agreement())];
    let error = Deal::new(agreement, announcements).unwrap_err();
    assert_eq!(error.message, Message::Agreement);
    match error.rule {
        Rule::Document(document) => assert_eq!(document.field, field),
        _ => assert_eq!(error.field, field),
    }
}

#[test]
fn rounding_mod_zero() {
    let field = field_of(|offer| numeric(offer).rounding_intervals.intervals[0].rounding_mod = 0);
    assert_eq!(field, "contract_info.rounding_intervals");
}

#[test]
fn empty_rounding_intervals() {
    let field = field_of(|offer| numeric(offer).rounding_intervals.intervals.clear());
    assert_eq!(field, "contract_info.rounding_intervals");
}

#[test]
fn inputs_summing_past_2_to_the_64() {
    let escrow = Escrow::standard();
    let error = escrow.refused_offer(|offer| {
        let like = offer.funding_inputs[0].clone();
        offer.funding_inputs = (0..3)
            .map(|n| {
                let coin = pays(&escrow.offerer.wallet_script(), u64::MAX, 50, n);
                let prev_tx = bitcoin::consensus::serialize(&coin);
                dlc_messages::FundingInput { prev_tx, input_serial_id: u64::from(n), ..like.clone() }
            })
            .collect();
    });
    assert_eq!((&*error.field, &error.rule), ("funding_inputs", &Rule::TooMuchMoney));
}

#[test]
fn dust_funding_output() {
    agreement_refused("price_sat", |agreement| agreement.price_sat.0 = 999);
    agreement_refused("price_sat", |agreement| (agreement.price_sat.0, agreement.bond_sat.0) = (0, 0));
    agreement_refused("bond_sat", |agreement| agreement.bond_sat.0 = 1);
}

#[test]
fn fee_rates_that_nobody_means() {
    agreement_refused("fee_rate_sat_vb", |agreement| agreement.fee_rate_sat_vb = 6_250);
    agreement_refused("fee_rate_sat_vb", |agreement| agreement.fee_rate_sat_vb = 0);
}

#[test]
fn more_money_than_there_is() {
    agreement_refused("price_sat", |agreement| agreement.price_sat.0 = 2_100_000_000_000_001);
}

/// A constant payout makes one range of all values, over whose empty prefix the library panics.
#[test]
fn the_same_payout_at_every_outcome() {
    let escrow = Escrow::standard();
    let mut agreement = escrow.agreement().clone();
    let terms::Schedule::Numeric { pieces, .. } = &mut agreement.payout.schedule else { unreachable!() };
    pieces.truncate(1);
    agreement.payout.indeterminate = terms::Credit::NONE;
    let announcements = vec![escrow.oracles[0].announce(&agreement)];
    let error = Deal::new(agreement, announcements).unwrap_err();
    assert_eq!((&*error.field, error.rule), ("payout.schedule", Rule::ConstantPayout));
}

#[test]
fn wrong_chain_hash() {
    assert_eq!(field_of(|offer| offer.chain_hash = [0; 32]), "chain_hash");
    let mainnet = ddk::contract::chain_hash_from_network(bitcoin::Network::Bitcoin);
    assert_eq!(field_of(|offer| offer.chain_hash = mainnet), "chain_hash");
}

#[test]
fn same_oracle_listed_twice() {
    let field = field_of(|offer| multi(offer, 2, 2, None));
    assert_eq!(field, "contract_info.oracle_info.oracle_announcements");
    agreement_refused("oracles.keys[1]", |agreement| {
        agreement.oracles.keys.push(agreement.oracles.keys[0]);
        agreement.oracles.threshold = 2;
    });
}

#[test]
fn tolerance_exponents_above_the_digit_count() {
    let params = OracleParams { max_error_exp: 60, min_fail_exp: 50, maximize_coverage: true };
    let field = field_of(|offer| multi(offer, 1, 1, Some(params)));
    assert_eq!(field, "contract_info.oracle_info.oracle_params");
}

#[test]
fn disjoint_several_events_in_one_contract() {
    let field = field_of(|offer| {
        let ContractInfo::SingleContractInfo(single) = offer.contract_info.clone() else { unreachable!() };
        offer.contract_info = ContractInfo::DisjointContractInfo(DisjointContractInfo {
            total_collateral: single.total_collateral,
            contract_infos: vec![single.contract_info],
        });
    });
    assert_eq!(field, "contract_info");
}

#[test]
fn collateral_zero_but_inputs_listed() {
    let escrow = Escrow::of(Draft { bond_sat: 0, ..Draft::default() });
    let funder = read::<AcceptDlc>(&escrow.accept(&escrow.offer()).bytes());
    let error = escrow.refused_offer(|offer| offer.funding_inputs = funder.funding_inputs);
    assert_eq!((&*error.field, error.rule), ("funding_inputs", Rule::InputsWithoutCollateral { inputs: 1 }));
    let error = escrow.refused_accept(|accept| accept.funding_inputs.clear());
    assert_eq!(error.rule, Rule::InsufficientInputs { have: 0, need: 100_000 });
}

#[test]
fn garbage_prev_tx() {
    let field = "funding_inputs[0].prev_tx";
    assert_eq!(field_of(|offer| offer.funding_inputs[0].prev_tx = vec![0xff; 100]), field);
    assert_eq!(field_of(|offer| offer.funding_inputs[0].prev_tx.clear()), field);
    assert_eq!(field_of(|offer| offer.funding_inputs[0].prev_tx.push(0)), field);
    assert_eq!(field_of(|offer| offer.funding_inputs[0].prev_tx.truncate(50)), field);
    assert_eq!(field_of(|offer| offer.funding_inputs[0].prev_tx = vec![0; 400_001]), field);
}

#[test]
fn an_output_that_the_previous_transaction_does_not_have() {
    let error = Escrow::standard().refused_offer(|offer| offer.funding_inputs[0].prev_tx_vout = u32::MAX);
    assert_eq!(error.rule, Rule::NoSuchOutput { vout: u32::MAX, outputs: 1 });
}

#[test]
fn more_inputs_than_are_read() {
    let error = Escrow::standard().refused_offer(|offer| {
        offer.funding_inputs = vec![offer.funding_inputs[0].clone(); 65];
    });
    assert_eq!((&*error.field, error.rule), ("funding_inputs", Rule::TooMany { count: 65, most: 64 }));
}

#[test]
fn trailing_bytes() {
    let escrow = Escrow::standard();
    let refused = |result: Result<(), GateError>, bytes| {
        assert_eq!(result.unwrap_err().rule, Rule::TrailingBytes { bytes });
    };
    let with = |bytes: Vec<u8>, more: &[u8]| [&bytes[..], more].concat();
    let offer = escrow.offer();
    refused(escrow.receive_offer(&with(offer.bytes(), &[0])).map(drop), 1);
    let accepted = escrow.accept(&offer);
    refused(escrow.receive_accept(&with(accepted.bytes(), &[0xfd, 1, 0, 0]), &offer).map(drop), 4);
    let sign = escrow.sign(&accepted).sign_bytes();
    refused(gate::sign(&with(sign, &[1; 7]), &accepted, NOW).map(drop), 7);
}

#[test]
fn a_message_of_more_than_four_mebibytes() {
    let escrow = Escrow::standard();
    let error = escrow.receive_offer(&vec![0; 4 * 1024 * 1024 + 1]).unwrap_err();
    assert!(matches!(error.rule, Rule::TooLarge { .. }));
    assert!(matches!(gate::claims(&vec![0; 5_000_000]).unwrap_err().rule, Rule::TooLarge { .. }));
}

/// The first dialect had no protocol version; rust-dlc 0.8's funding inputs end before the `dlc_input` byte.
#[test]
fn other_dialect() {
    let escrow = Escrow::standard();
    let bytes = escrow.offer().bytes();
    let without_version = [&bytes[..2], &bytes[6..]].concat();
    let error = escrow.receive_offer(&without_version).unwrap_err();
    assert_eq!(&*error.field, "protocol_version");
    let offer: OfferDlc = read(&bytes);
    let tail = offer.change_spk.encode().len() + 8 + 8 + 8 + 4 + 4;
    let dlc_input = bytes.len() - tail - 1;
    assert_eq!(bytes[dlc_input], 0);
    let old = [&bytes[..dlc_input], &bytes[dlc_input + 1..]].concat();
    let error = escrow.receive_offer(&old).unwrap_err();
    assert_eq!(error.message, Message::Offer, "{error}");
}

#[test]
fn another_protocol_version() {
    for version in [0, 2, 10, u32::MAX] {
        assert_eq!(field_of(|offer| offer.protocol_version = version), "protocol_version");
    }
}

#[test]
fn a_message_of_another_type() {
    let escrow = Escrow::standard();
    let offer = escrow.offer();
    let accept = escrow.accept(&offer).bytes();
    assert_eq!(&*escrow.receive_offer(&accept).unwrap_err().field, "type");
    assert_eq!(&*escrow.receive_accept(&offer.bytes(), &offer).unwrap_err().field, "type");
}

/// The library's reader follows nested negotiation fields, two bytes a level, until its stack ends.
#[test]
fn negotiation_fields_nested_without_end() {
    let escrow = Escrow::standard();
    let offer = escrow.offer();
    let mut bytes = escrow.accept(&offer).bytes();
    assert_eq!(bytes.pop(), Some(0), "the option that says: no negotiation fields");
    bytes.push(1);
    bytes.extend([1, 1].repeat(1_500_000));
    let error = escrow.receive_accept(&bytes, &offer).unwrap_err();
    assert_eq!((&*error.field, error.rule), ("negotiation_fields", Rule::Unsupported));
}

#[test]
fn more_signatures_than_are_read() {
    let escrow = Escrow::standard();
    let error = escrow.refused_accept(|accept| {
        let signatures = &mut accept.cet_adaptor_signatures.ecdsa_adaptor_signatures;
        *signatures = vec![signatures[0].clone(); 16_385];
    });
    assert_eq!(error.rule, Rule::TooMany { count: 16_385, most: 16_384 });
}

#[test]
fn off_curve_r_in_the_offers_nonces() {
    let escrow = Escrow::standard();
    let mut bytes = escrow.offer().bytes();
    let nonce = escrow.deal.announcements().as_slice()[0].oracle_event.oracle_nonces[3].serialize();
    let at = bytes.windows(32).position(|window| window == nonce).unwrap();
    bytes[at..at + 32].fill(0xff);
    let error = escrow.receive_offer(&bytes).unwrap_err();
    assert_eq!((&*error.field, error.rule), ("contract_info", Rule::Unreadable));
}

#[test]
fn claims_are_read_without_trust() {
    let escrow = Escrow::standard();
    let offer = escrow.offer();
    let accept = escrow.accept(&offer);
    let claimed = gate::claims(&offer.bytes()).unwrap();
    assert_eq!(claimed.inputs, offer.inputs().unwrap());
    assert_eq!(claimed.scripts, [escrow.offerer.payout_script(), escrow.offerer.change_script()]);
    let coin: &Transaction = &escrow.accepter.coins[0].0;
    assert_eq!(gate::claimed_inputs(&accept.bytes()).unwrap()[0].txid, coin.compute_txid());
    assert!(gate::claims(&escrow.sign(&accept).sign_bytes()).is_err());
    assert!(gate::claims(&[]).is_err());
}
