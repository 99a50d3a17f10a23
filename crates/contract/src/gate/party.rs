//! What is checked of either side alike: scripts, serial ids, collateral and the cover of inputs.

use bitcoin::ScriptBuf;
use terms::Sat;

use crate::coins::ForeignCoins;
use crate::error::{GateError, Message, Rule};

/// Only scripts that every node relays: a peer's odd payout script would make the CET unrelayable for both.
pub(super) fn payable(message: Message, field: &'static str, script: &ScriptBuf) -> Result<(), GateError> {
    if script.is_p2wpkh() || script.is_p2wsh() || script.is_p2tr() {
        return Ok(());
    }
    Err(GateError::new(message, field, Rule::ForbiddenScript))
}

/// A peer that names our script as its own would have us book its money, or ours as change of its.
pub(super) fn not_ours(
    message: Message,
    scripts: [&ScriptBuf; 2],
    coins: &ForeignCoins,
) -> Result<(), GateError> {
    for (field, script) in ["payout_spk", "change_spk"].into_iter().zip(scripts) {
        if coins.is_own_script(script) {
            return Err(GateError::new(message, field, Rule::OwnScript));
        }
    }
    Ok(())
}

/// The library looks the funding output up by its script, and takes the first that matches.
pub(super) fn not_funding_script(
    message: Message,
    scripts: [&ScriptBuf; 2],
    funding_script: &ScriptBuf,
) -> Result<(), GateError> {
    for (field, script) in ["payout_spk", "change_spk"].into_iter().zip(scripts) {
        if *script == funding_script.to_p2wsh() {
            return Err(GateError::new(message, field, Rule::FundingScript));
        }
    }
    Ok(())
}

/// Serial ids order inputs and outputs; two equal ones would leave the order to an implementation's sort.
pub(super) fn unique(message: Message, field: &'static str, mut serials: Vec<u64>) -> Result<(), GateError> {
    serials.sort_unstable();
    match serials.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(GateError::new(message, field, Rule::SerialUsedTwice { serial: pair[0] })),
        None => Ok(()),
    }
}

/// A side that locks nothing brings nothing, and pays no fees.
pub(super) fn inputs_fit_collateral(
    message: Message,
    inputs: usize,
    collateral: Sat,
) -> Result<(), GateError> {
    match (inputs, collateral.0) {
        (0, 0) => Ok(()),
        (_, 0) => Err(GateError::new(message, "funding_inputs", Rule::InputsWithoutCollateral { inputs })),
        (0, need) => {
            Err(GateError::new(message, "funding_inputs", Rule::InsufficientInputs { have: 0, need }))
        }
        (_, _) => Ok(()),
    }
}
