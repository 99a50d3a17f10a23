//! What was locked and paid: the contract rebuilt from the DLC messages, and everything else compared with it.

use bitcoin::consensus::encode::deserialize;
use bitcoin::hashes::Hash as _;
use bitcoin::{Transaction, Txid};
use contract::gate::{self, CheckedAttestation};
use contract::{Announcements, CheckedAccept, CheckedContract, CheckedOffer, Deal, Message, Spend, settle};
use protocol::transcript::TranscriptFile;
use protocol::{Body, Envelope, HexBytes};
use terms::{Agreement, Hex32, Side};

use crate::fault::Fault;
use crate::verdict::{Closing, FundingKeys, Settlement, Verdict};

/// The three DLC messages, each with its envelope's place.
#[derive(Default)]
struct Messages<'a> {
    offer: Option<(usize, &'a [u8])>,
    accept: Option<(usize, &'a [u8])>,
    sign: Option<(usize, &'a [u8])>,
}

/// Holds everything after the agreement to it, and notes in the verdict what follows.
pub(crate) fn check(
    file: &TranscriptFile,
    envelopes: &[Envelope],
    agreement: &Agreement,
    agreed_at: usize,
    verdict: &mut Verdict,
) -> Result<(), Fault> {
    let messages = messages(envelopes, agreement, agreed_at)?;
    let deal = deal(file, agreement)?;
    let contract = match &deal {
        Some(deal) => contract_of(deal, &messages, verdict.session)?,
        None if messages.offer.is_some() => {
            return Err(Fault::at("announcements", "must be there: money was locked"));
        }
        None => None,
    };
    let Some(contract) = contract else { return nothing_signed(file) };
    verdict.funding_txid = Some(shown(contract.transactions().funding_outpoint.txid));
    let [provider, buyer] = [Side::Provider, Side::Buyer].map(|side| contract.funding_key(side));
    verdict.funding_keys = Some(FundingKeys { provider, buyer });
    if let Some(tx) = &file.funding_tx {
        let tx = stripped("funding_tx", tx)?;
        if tx != contract.transactions().funding {
            return Err(Fault::at("funding_tx", "is not the transaction that the DLC messages make"));
        }
    }
    verdict.settlement = settlement(file, &contract)?;
    verdict.closing = closing(file, &contract, verdict.settlement.as_ref())?;
    Ok(())
}

/// The DLC messages, in their order and from whom they must come; an end may follow at any point.
fn messages<'a>(
    envelopes: &'a [Envelope],
    agreement: &Agreement,
    agreed_at: usize,
) -> Result<Messages<'a>, Fault> {
    let offerer = match contract::offerer_side(agreement) {
        Side::Provider => agreement.provider.key,
        Side::Buyer => agreement.buyer.key,
    };
    let mut messages = Messages::default();
    for (at, envelope) in envelopes.iter().enumerate().skip(agreed_at + 1) {
        let place = format!("envelopes[{at}].body.type");
        let out_of_turn = || Err(Fault::at(place.clone(), "is not what comes next after an agreement"));
        let by_offerer = envelope.from() == offerer;
        let slot = match envelope.body() {
            Body::DlcOffer { message_hex } if by_offerer && messages.offer.is_none() => {
                (&mut messages.offer, message_hex)
            }
            Body::DlcAccept { message_hex }
                if !by_offerer && messages.offer.is_some() && messages.accept.is_none() =>
            {
                (&mut messages.accept, message_hex)
            }
            Body::DlcSign { message_hex }
                if by_offerer && messages.accept.is_some() && messages.sign.is_none() =>
            {
                (&mut messages.sign, message_hex)
            }
            Body::Cancel { .. } | Body::Error { .. } | Body::Reject { .. } | Body::Withdraw { .. } => {
                continue;
            }
            _ => return out_of_turn(),
        };
        *slot.0 = Some((at, slot.1.0.as_slice()));
    }
    Ok(messages)
}

fn deal(file: &TranscriptFile, agreement: &Agreement) -> Result<Option<Deal>, Fault> {
    if file.announcements.is_empty() {
        return Ok(None);
    }
    let tlvs: Vec<&[u8]> = file.announcements.iter().map(|tlv| tlv.0.as_slice()).collect();
    let deal = Deal::parse(agreement.clone(), &tlvs);
    deal.map(Some).map_err(|error| Fault::of_gate(&error, |_| None))
}

/// Every message that is there, checked; the contract once all are.
fn contract_of(
    deal: &Deal,
    messages: &Messages<'_>,
    session: Hex32,
) -> Result<Option<CheckedContract>, Fault> {
    let place = |kind: Message| match kind {
        Message::Offer => messages.offer.map(|(at, _)| at),
        Message::Accept => messages.accept.map(|(at, _)| at),
        _ => messages.sign.or(messages.accept).or(messages.offer).map(|(at, _)| at),
    };
    let fault = |error| Fault::of_gate(&error, place);
    let Some((at, offer)) = messages.offer else { return Ok(None) };
    let checked = CheckedOffer::reload(offer, deal).map_err(fault)?;
    if checked.temporary_id() != session.0 {
        let place = format!("envelopes[{at}].body.message_hex");
        return Err(Fault::at(place, "temporary_contract_id: must be the session's id"));
    }
    let Some((_, accept)) = messages.accept else { return Ok(None) };
    CheckedAccept::reload(accept, &checked).map_err(fault)?;
    let Some((_, sign)) = messages.sign else { return Ok(None) };
    let tlvs = deal.announcements().to_tlvs();
    let contract = CheckedContract::reload(deal.agreement().clone(), &tlvs, offer, accept, sign);
    contract.map(Some).map_err(fault)
}

/// Before the signatures nothing can be funded, attested or paid.
fn nothing_signed(file: &TranscriptFile) -> Result<(), Fault> {
    let there = [
        ("funding_tx", file.funding_tx.is_some()),
        ("attestations", !file.attestations.is_empty()),
        ("closing_tx", file.closing_tx.is_some()),
    ];
    match there.into_iter().find(|(_, there)| *there) {
        None => Ok(()),
        Some((field, _)) => Err(Fault::at(field, "belongs to no signed contract of these envelopes")),
    }
}

fn settlement(file: &TranscriptFile, contract: &CheckedContract) -> Result<Option<Settlement>, Fault> {
    let announcements: &Announcements = contract.deal().announcements();
    let check = |(at, tlv): (usize, &HexBytes)| {
        gate::attestation(&tlv.0, announcements)
            .map_err(|error| Fault::at(format!("attestations[{at}].{}", error.field), error))
    };
    let said: Vec<CheckedAttestation> =
        file.attestations.iter().enumerate().map(check).collect::<Result<_, _>>()?;
    let fault = |why: String| Fault::at("attestations", why);
    let Some(unlocked) = settle::unlocked(contract, &said).map_err(|error| fault(error.to_string()))? else {
        return Ok(None);
    };
    let agreement = contract.deal().agreement();
    let outcome = agreement.measurement.outcome.decode(&unlocked.signed);
    let outcome = outcome.ok_or_else(|| fault("sign no outcome of the measurement".to_owned()))?;
    let cet = contract.transactions().cets.get(unlocked.cet);
    let cet = cet.ok_or_else(|| fault("unlock no transaction of the contract".to_owned()))?;
    let oracles = unlocked.oracles.iter().filter_map(|oracle| agreement.oracles.keys.get(*oracle));
    Ok(Some(Settlement {
        outcome,
        oracles: oracles.copied().collect(),
        cet_txid: shown(cet.transaction.compute_txid()),
        provider_sat: cet.provider_sat,
        buyer_sat: cet.buyer_sat,
    }))
}

fn closing(
    file: &TranscriptFile,
    contract: &CheckedContract,
    settlement: Option<&Settlement>,
) -> Result<Option<Closing>, Fault> {
    let Some(tx) = &file.closing_tx else { return Ok(None) };
    let tx = stripped("closing_tx", tx)?;
    let txid = shown(tx.compute_txid());
    let agreement = contract.deal().agreement();
    let (kind, provider_sat, buyer_sat) = match contract.classify_spend(&tx) {
        Some(Spend::Cet { provider_sat, buyer_sat, .. }) => ("cet", provider_sat, buyer_sat),
        Some(Spend::Refund) => ("refund", agreement.bond_sat, agreement.price_sat),
        Some(Spend::Close { provider_sat, buyer_sat }) => ("close", provider_sat, buyer_sat),
        Some(Spend::Unknown) => {
            return Err(Fault::at("closing_tx", "is none of the contract's transactions"));
        }
        None => return Err(Fault::at("closing_tx", "does not spend the funding output")),
    };
    if kind == "cet" && settlement.is_some_and(|settlement| settlement.cet_txid != txid) {
        return Err(Fault::at("closing_tx", "is another CET than the one that the attestations unlock"));
    }
    Ok(Some(Closing { kind, txid, provider_sat, buyer_sat }))
}

/// A transaction without witnesses, written in one way.
fn stripped(place: &str, bytes: &HexBytes) -> Result<Transaction, Fault> {
    let tx: Transaction = deserialize(&bytes.0).map_err(|error| Fault::at(place, error))?;
    if tx.input.iter().any(|input| !input.witness.is_empty()) {
        return Err(Fault::at(place, "must be without witnesses, of which a txid says nothing"));
    }
    Ok(tx)
}

fn shown(txid: Txid) -> Hex32 {
    let mut bytes = txid.to_byte_array();
    bytes.reverse();
    Hex32(bytes)
}
