//! Reading transactions and DLC messages: whose coins, whose outputs, what it cost.

use anyhow::{Context as _, bail};
use bitcoin::consensus::encode::deserialize;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction};
use dlc_messages::lightning::util::ser::Readable;
use dlc_messages::types::{ACCEPT_TYPE, OFFER_TYPE};
use dlc_messages::{AcceptDlc, FundingInput, OfferDlc};
use protocol::owner::DlcMessages;
use terms::{Agreement, Hex32, Sat, UnixSeconds};
use testbed::{Bitcoind, RpcError};

use super::taken_back::TakenBack;
use crate::record::{Coin, Output, PartyRecord, TxRecord};

/// What one party brought to the contract, as its own DLC message says.
#[derive(Clone, Debug)]
pub(crate) struct Brought {
    pub coins: Vec<Coin>,
    pub collateral: Sat,
    pub payout_script: ScriptBuf,
    pub change_script: ScriptBuf,
}

/// What provider and buyer brought.
#[derive(Clone, Debug)]
pub(crate) struct Both {
    pub provider: Brought,
    pub buyer: Brought,
}

impl Both {
    /// Of parties that never exchanged offer and accept.
    pub(crate) fn nothing() -> Self {
        let nobody = || Brought {
            coins: Vec::new(),
            collateral: Sat(0),
            payout_script: ScriptBuf::new(),
            change_script: ScriptBuf::new(),
        };
        Self { provider: nobody(), buyer: nobody() }
    }

    /// Reads offer and accept with the library's own reader, which is not ours.
    pub(crate) fn read(messages: &DlcMessages, agreement: &Agreement) -> anyhow::Result<Self> {
        let offer = messages.offer.as_ref().context("the offer message is missing")?;
        let accept = messages.accept.as_ref().context("the accept message is missing")?;
        let offer: OfferDlc = read_message(&offer.0, OFFER_TYPE).context("the offer message")?;
        let accept: AcceptDlc = read_message(&accept.0, ACCEPT_TYPE).context("the accept message")?;
        let offered = Brought {
            coins: coins(&offer.funding_inputs)?,
            collateral: Sat(offer.offer_collateral.to_sat()),
            payout_script: offer.payout_spk,
            change_script: offer.change_spk,
        };
        let accepted = Brought {
            coins: coins(&accept.funding_inputs)?,
            collateral: Sat(accept.accept_collateral.to_sat()),
            payout_script: accept.payout_spk,
            change_script: accept.change_spk,
        };
        // The buyer offers, unless it alone funds.
        Ok(if agreement.bond_sat.0 == 0 {
            Self { provider: offered, buyer: accepted }
        } else {
            Self { provider: accepted, buyer: offered }
        })
    }
}

/// The library's reader takes the type for granted, so it is looked at before.
pub(super) fn read_message<T: Readable>(mut bytes: &[u8], kind: u16) -> anyhow::Result<T> {
    if !bytes.starts_with(&kind.to_be_bytes()) {
        bail!("is of another type");
    }
    T::read(&mut bytes).map_err(|error| anyhow::anyhow!("can't be read: {error:?}"))
}

fn coins(inputs: &[FundingInput]) -> anyhow::Result<Vec<Coin>> {
    inputs.iter().map(coin).collect()
}

fn coin(input: &FundingInput) -> anyhow::Result<Coin> {
    let previous: Transaction = deserialize(&input.prev_tx).context("an input's previous transaction")?;
    let vout = input.prev_tx_vout;
    let output = usize::try_from(vout).ok().and_then(|index| previous.output.get(index));
    let output = output.context("an input that its previous transaction does not have")?;
    Ok(Coin { txid: previous.compute_txid().to_string(), vout, value_sat: Sat(output.value.to_sat()) })
}

/// A transaction with its place on the chain.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub transaction: Transaction,
    pub height: Option<u32>,
    pub block: Option<String>,
    pub time: Option<UnixSeconds>,
}

/// Asks the chain for a transaction: the node's own word, not a party's.
pub(crate) fn place(node: &Bitcoind, txid: Hex32) -> anyhow::Result<Option<Placed>> {
    let txid = txid.to_string().parse().context("a transaction's id")?;
    let Some(transaction) = node.transaction(txid)? else { return Ok(None) };
    let height = node.height_of(txid)?;
    let block = height.map(|height| node.call::<String>("getblockhash", &[height.into()])).transpose()?;
    let time = block.as_ref().map(|block| block_time(node, block)).transpose()?;
    Ok(Some(Placed { transaction, height, block, time }))
}

fn block_time(node: &Bitcoind, block: &str) -> Result<UnixSeconds, RpcError> {
    let header: serde_json::Value = node.call("getblockheader", &[block.into()])?;
    Ok(UnixSeconds(header.get("time").and_then(serde_json::Value::as_u64).unwrap_or_default()))
}

/// Records a transaction that is not on the chain, or from where it is.
pub(crate) fn record(kind: &str, placed: &Placed, spent: &[Coin], both: &Both) -> TxRecord {
    let transaction = &placed.transaction;
    let inputs: Vec<Coin> =
        transaction.input.iter().filter_map(|input| find(spent, input.previous_output)).collect();
    let ins: u64 = inputs.iter().map(|coin| coin.value_sat.0).sum();
    let outs: u64 = transaction.output.iter().map(|output| output.value.to_sat()).sum();
    TxRecord {
        kind: kind.to_owned(),
        txid: transaction.compute_txid().to_string(),
        hex: bitcoin::consensus::encode::serialize_hex(transaction),
        height: placed.height,
        block: placed.block.clone(),
        time: placed.time,
        inputs,
        outputs: outputs(transaction, both),
        fee_sat: Sat(ins.saturating_sub(outs)),
        vsize: transaction.vsize() as u64,
    }
}

fn find(spent: &[Coin], outpoint: OutPoint) -> Option<Coin> {
    let txid = outpoint.txid.to_string();
    spent.iter().find(|coin| coin.txid == txid && coin.vout == outpoint.vout).cloned()
}

fn outputs(transaction: &Transaction, both: &Both) -> Vec<Output> {
    let output = |(vout, output): (u32, &bitcoin::TxOut)| Output {
        vout,
        value_sat: Sat(output.value.to_sat()),
        script: output.script_pubkey.to_hex_string(),
        owner: owner(&output.script_pubkey, both).to_owned(),
    };
    (0u32..).zip(&transaction.output).map(output).collect()
}

fn owner(script: &ScriptBuf, both: &Both) -> &'static str {
    match script {
        script if *script == both.provider.payout_script => "provider",
        script if *script == both.buyer.payout_script => "buyer",
        script if *script == both.provider.change_script => "provider change",
        script if *script == both.buyer.change_script => "buyer change",
        script if script.is_p2wsh() => "contract",
        _ => "somebody else",
    }
}

/// What outputs pay to a script.
pub(crate) fn paid_to(transaction: Option<&Transaction>, script: &ScriptBuf) -> Sat {
    let outputs = transaction.into_iter().flat_map(|transaction| &transaction.output);
    let paid: Amount =
        outputs.filter(|output| output.script_pubkey == *script).map(|output| output.value).sum();
    Sat(paid.to_sat())
}

/// One party's account, from what the chain has: where the funding is in no block, nothing was locked, and all that moved is
/// what the party took back.
pub(crate) fn account(
    key: Hex32,
    state: String,
    brought: &Brought,
    (funding, closing): (Option<&Placed>, Option<&Placed>),
    taken_back: Option<&TakenBack>,
) -> PartyRecord {
    let funding = funding.filter(|placed| placed.height.is_some()).map(|placed| &placed.transaction);
    let (inputs, locked, change) = match (funding, taken_back) {
        (Some(funding), _) => {
            let change = paid_to(Some(funding), &brought.change_script);
            (brought.coins.clone(), brought.collateral, change)
        }
        (None, Some(taken)) => (taken.coins.clone(), Sat(0), taken.back_sat()),
        (None, None) => (Vec::new(), Sat(0), Sat(0)),
    };
    let put_in = Sat(inputs.iter().map(|coin| coin.value_sat.0).sum());
    PartyRecord {
        key,
        state,
        inputs,
        put_in_sat: put_in,
        change_sat: change,
        locked_sat: locked,
        fees_sat: Sat(put_in.0.saturating_sub(change.0 + locked.0)),
        got_out_sat: paid_to(closing.map(|placed| &placed.transaction), &brought.payout_script),
        payout_script: brought.payout_script.to_hex_string(),
        change_script: brought.change_script.to_hex_string(),
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::{TxOut, absolute, transaction};

    use super::*;

    fn script(byte: u8) -> ScriptBuf {
        ScriptBuf::from(vec![byte; 22])
    }

    fn brought() -> Brought {
        let coin = Coin { txid: "aa".repeat(32), vout: 0, value_sat: Sat(300_000) };
        Brought {
            coins: vec![coin],
            collateral: Sat(100_000),
            payout_script: script(1),
            change_script: script(2),
        }
    }

    fn funding(height: Option<u32>) -> Placed {
        let change = TxOut { value: Amount::from_sat(199_000), script_pubkey: script(2) };
        let (version, lock_time) = (transaction::Version::TWO, absolute::LockTime::ZERO);
        let transaction = Transaction { version, lock_time, input: Vec::new(), output: vec![change] };
        Placed { transaction, height, block: None, time: None }
    }

    fn figures(funding: Option<&Placed>) -> [u64; 5] {
        let party = account(Hex32([1; 32]), String::new(), &brought(), (funding, None), None);
        let PartyRecord { put_in_sat, change_sat, fees_sat, locked_sat, got_out_sat, .. } = party;
        [put_in_sat, change_sat, fees_sat, locked_sat, got_out_sat].map(|sat| sat.0)
    }

    #[test]
    fn what_no_block_has_moved_no_coin_whatever_was_promised() {
        assert_eq!(figures(Some(&funding(Some(7)))), [300_000, 199_000, 1_000, 100_000, 0]);
        assert_eq!(figures(Some(&funding(None))), [0; 5]);
        assert_eq!(figures(None), [0; 5]);
    }
}
