//! Funding inputs: their form, and what our own node says about the coins.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, TxOut};
use dlc_messages::FundingInput;

use crate::coins::{CoinState, ForeignCoins};
use crate::decode::{self, Input};
use crate::error::{GateError, Message, Rule};
use crate::limits;

/// The sequence that every funding input gets, whatever a message asks for.
const SEQUENCE: u32 = u32::MAX;

/// The form of one side's inputs; gives them decoded.
pub(super) fn well_formed(message: Message, inputs: &[FundingInput]) -> Result<Vec<Input>, GateError> {
    let decoded = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| one(message, index, input))
        .collect::<Result<Vec<_>, _>>()?;
    distinct(message, decoded.iter().map(|input| input.outpoint))?;
    decode::sum(message, &decoded)?;
    Ok(decoded)
}

fn one(message: Message, index: usize, input: &FundingInput) -> Result<Input, GateError> {
    let refuse = |name: &str, rule| GateError::new(message, format!("funding_inputs[{index}].{name}"), rule);
    if input.dlc_input.is_some() {
        return Err(refuse("dlc_input", Rule::Splice));
    }
    if !input.redeem_script.is_empty() {
        return Err(refuse("redeem_script", Rule::RedeemScript));
    }
    if input.prev_tx.len() > limits::MAX_PREV_TX_BYTES {
        let rule = Rule::TooLarge { bytes: input.prev_tx.len(), most: limits::MAX_PREV_TX_BYTES };
        return Err(refuse("prev_tx", rule));
    }
    if input.sequence != SEQUENCE {
        let rule = Rule::Differs { expected: SEQUENCE.to_string(), got: input.sequence.to_string() };
        return Err(refuse("sequence", rule));
    }
    let decoded = decode::one(message, index, input)?;
    let lengths = witness_lengths(&decoded.prevout)
        .ok_or_else(|| refuse("prev_tx", Rule::LegacyInput { outpoint: decoded.outpoint }))?;
    if !lengths.contains(&input.max_witness_len) {
        let rule = Rule::OutOfBounds {
            got: u64::from(input.max_witness_len),
            least: u64::from(*lengths.start()),
            most: u64::from(*lengths.end()),
        };
        return Err(refuse("max_witness_len", rule));
    }
    Ok(decoded)
}

/// The witness lengths that a coin's kind may declare; `None` for a kind that is not accepted.
///
/// Less than the real length would leave the funding transaction below the agreed fee rate, and the accepter's
/// witnesses are in no message where that could be checked.
fn witness_lengths(prevout: &TxOut) -> Option<std::ops::RangeInclusive<u16>> {
    if prevout.script_pubkey.is_p2wpkh() {
        Some(limits::P2WPKH_WITNESS_LEN)
    } else if prevout.script_pubkey.is_p2tr() {
        Some(limits::P2TR_WITNESS_LEN)
    } else {
        None
    }
}

/// No coin twice.
pub(super) fn distinct(
    message: Message,
    outpoints: impl IntoIterator<Item = OutPoint>,
) -> Result<(), GateError> {
    let mut seen = BTreeSet::new();
    for outpoint in outpoints {
        if !seen.insert(outpoint) {
            return Err(GateError::new(message, "funding_inputs", Rule::SameCoinTwice { outpoint }));
        }
    }
    Ok(())
}

/// Every coin of a peer, against our own chain source: confirmed, mature, unspent, as it says, and not ours.
pub(super) fn against_chain(
    message: Message,
    inputs: &[FundingInput],
    coins: &ForeignCoins,
) -> Result<(), GateError> {
    for (index, input) in inputs.iter().enumerate() {
        let input = decode::one(message, index, input)?;
        spendable(&input, coins)
            .map_err(|rule| GateError::new(message, format!("funding_inputs[{index}].prev_tx"), rule))?;
    }
    Ok(())
}

fn spendable(input: &Input, coins: &ForeignCoins) -> Result<(), Rule> {
    let outpoint = input.outpoint;
    let report = coins.get(&outpoint).ok_or(Rule::UnknownCoin { outpoint })?;
    if report.ours {
        return Err(Rule::OwnCoin { outpoint });
    }
    match &report.state {
        CoinState::Unknown => Err(Rule::UnknownCoin { outpoint }),
        CoinState::Spent => Err(Rule::SpentCoin { outpoint }),
        CoinState::Unspent { confirmations: 0, .. } => Err(Rule::UnconfirmedCoin { outpoint }),
        CoinState::Unspent { confirmations, coinbase: true, .. }
            if *confirmations < limits::COINBASE_MATURITY =>
        {
            Err(Rule::ImmatureCoin { outpoint, confirmations: *confirmations })
        }
        CoinState::Unspent { value, script, .. } => {
            if *value == input.prevout.value && *script == input.prevout.script_pubkey {
                return Ok(());
            }
            Err(Rule::CoinDiffers { outpoint })
        }
    }
}
