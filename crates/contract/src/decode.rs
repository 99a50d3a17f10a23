//! Funding inputs, decoded: the coin that each names, in the order of the funding transaction.

use bitcoin::consensus::encode::deserialize;
use bitcoin::{OutPoint, Transaction, TxOut};
use dlc_messages::{AcceptDlc, FundingInput, OfferDlc};

use crate::error::{GateError, Message, Rule};
use crate::limits::MAX_MONEY_SAT;

/// A funding input's coin.
pub(crate) struct Input {
    pub outpoint: OutPoint,
    pub prevout: TxOut,
    pub serial_id: u64,
}

/// Decodes the coin that a funding input names.
pub(crate) fn one(message: Message, index: usize, input: &FundingInput) -> Result<Input, GateError> {
    let field = |name: &str| format!("funding_inputs[{index}].{name}");
    let prev_tx: Transaction = deserialize(&input.prev_tx)
        .map_err(|_| GateError::new(message, field("prev_tx"), Rule::Unreadable))?;
    let prevout = prev_tx.output.get(input.prev_tx_vout as usize).cloned().ok_or_else(|| {
        let rule = Rule::NoSuchOutput { vout: input.prev_tx_vout, outputs: prev_tx.output.len() };
        GateError::new(message, field("prev_tx_vout"), rule)
    })?;
    let outpoint = OutPoint { txid: prev_tx.compute_txid(), vout: input.prev_tx_vout };
    Ok(Input { outpoint, prevout, serial_id: input.input_serial_id })
}

pub(crate) fn all(message: Message, inputs: &[FundingInput]) -> Result<Vec<Input>, GateError> {
    inputs.iter().enumerate().map(|(index, input)| one(message, index, input)).collect()
}

/// All funding inputs in the order of the funding transaction: by serial id, across both sides.
pub(crate) fn ordered(offer: &OfferDlc, accept: &AcceptDlc) -> Result<Vec<Input>, GateError> {
    let mut inputs = all(Message::Offer, &offer.funding_inputs)?;
    inputs.extend(all(Message::Accept, &accept.funding_inputs)?);
    inputs.sort_by_key(|input| input.serial_id);
    Ok(inputs)
}

/// The sum of some inputs, which never passes all the bitcoin there will be.
pub(crate) fn sum(message: Message, inputs: &[Input]) -> Result<u64, GateError> {
    let sum = inputs.iter().try_fold(0u64, |sum, input| sum.checked_add(input.prevout.value.to_sat()));
    sum.filter(|sum| *sum <= MAX_MONEY_SAT)
        .ok_or_else(|| GateError::new(message, "funding_inputs", Rule::TooMuchMoney))
}
