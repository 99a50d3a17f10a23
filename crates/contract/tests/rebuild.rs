//! The last line before a signature: the library's transactions against those that the agreement asks for.
//!
//! Here the gate's other rules are left out on purpose, so that it shows that this one stands alone.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use bitcoin::Amount;
use common::documents::{Draft, hours, ramp};
use common::{Escrow, read};
use contract::{Rule, rebuild};
use dlc_messages::contract_msgs::{ContractDescriptor, ContractInfo};
use dlc_messages::{AcceptDlc, OfferDlc, OverrideOutcome, PayoutScriptOverride, PayoutScriptOverrides};

/// The transaction that is found to be another when both messages have a change.
fn differs(draft: Draft, change: impl FnOnce(&mut OfferDlc, &mut AcceptDlc)) -> String {
    let escrow = Escrow::of(draft);
    let checked = escrow.offer();
    let mut offer: OfferDlc = read(&checked.bytes());
    let mut accept: AcceptDlc = read(&escrow.accept(&checked).bytes());
    rebuild::transactions(&escrow.deal, &offer, &accept).expect("unchanged, it is the agreed contract");
    change(&mut offer, &mut accept);
    let error = rebuild::transactions(&escrow.deal, &offer, &accept).expect_err("another contract");
    assert_eq!(error.rule, Rule::TransactionDiffers);
    error.field.into_owned()
}

#[test]
fn a_payout_one_satoshi_off_in_one_cet() {
    let field = differs(Draft::levels(), |offer, _| {
        let ContractInfo::SingleContractInfo(single) = &mut offer.contract_info else { unreachable!() };
        let ContractDescriptor::EnumeratedContractDescriptor(levels) =
            &mut single.contract_info.contract_descriptor
        else {
            unreachable!()
        };
        levels.payouts[1].offer_payout += Amount::from_sat(1);
    });
    assert_eq!(field, "cets[1]");
}

#[test]
fn refund_flag() {
    assert_eq!(differs(Draft::default(), |offer, _| offer.contract_flags = 1), "refund");
}

#[test]
fn tlv_payout_override() {
    let field = differs(Draft::levels(), |offer, _| {
        let outcome = OverrideOutcome::Enum { outcome: "late".to_owned() };
        let script_pubkey = offer.change_spk.clone();
        let overrides = vec![PayoutScriptOverride { outcome, script_pubkey }];
        offer.tlvs.set(&PayoutScriptOverrides { overrides });
    });
    assert_eq!(field, "cets[1]");
}

#[test]
fn locktimes_other_than_agreed() {
    assert_eq!(differs(Draft::default(), |offer, _| offer.cet_locktime -= 1), "cets[0]");
    assert_eq!(differs(Draft::default(), |offer, _| offer.refund_locktime += 1), "refund");
}

#[test]
fn fee_rate_other_than_agreed() {
    assert_eq!(differs(Draft::default(), |offer, _| offer.fee_rate_per_vb += 1), "funding");
}

#[test]
fn collateral_shifted_from_one_side_to_the_other() {
    let field = differs(Draft::default(), |offer, accept| {
        offer.offer_collateral -= Amount::from_sat(1_000);
        accept.accept_collateral += Amount::from_sat(1_000);
    });
    assert_eq!(field, "funding");
}

/// What the estimate of a payout table promises is what a contract carries.
#[test]
fn as_many_signatures_as_the_table_says() {
    let drafts = [
        Draft::default(),
        Draft::levels(),
        Draft { scale: hours(8_000), schedule: ramp(), ..Draft::default() },
        Draft { scale: hours(60_000), ..Draft::default() },
    ];
    for draft in drafts {
        let escrow = Escrow::of(draft);
        let accept: AcceptDlc = read(&escrow.accept(&escrow.offer()).bytes());
        let signatures = accept.cet_adaptor_signatures.ecdsa_adaptor_signatures.len() as u64;
        assert_eq!(signatures, escrow.deal.table().signature_estimate());
    }
}
