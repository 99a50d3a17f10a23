//! Spending chosen coins to ourselves and elsewhere: splitting them into a supply, and sweeping what is left over.

use bdk_wallet::coin_selection::LargestFirstCoinSelection;
use bdk_wallet::{KeychainKind, TxOrdering};
use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount, FeeRate, OutPoint, Transaction};

use crate::build::{check_rate, finish, for_whole_vbytes};
use crate::{Coin, SignedTx, SpendError, Wallet};

/// The most coins that one split joins.
const MOST_JOINED: usize = 16;
/// A transaction without inputs and outputs, a P2WPKH input and a P2WPKH output, in vB, each rounded up.
const BASE_VB: u64 = 11;
const INPUT_VB: u64 = 68;
const OUTPUT_VB: u64 = 31;

/// What a supply lacks, and what may be spent on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What each coin of the supply is worth.
    pub coin: Amount,
    /// How many are missing, while all the coins that are there stay as they are.
    pub missing: usize,
    /// The fee rate of the split.
    pub rate: FeeRate,
}

/// Which coins become how many of the supply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The coins that are spent.
    pub inputs: Vec<OutPoint>,
    /// How many coins of the supply come out; what is left is change.
    pub outputs: usize,
}

/// Chooses the fewest coins that make up what is missing, the largest first; where all of them do not suffice, those
/// that bring the supply furthest. A coin that is large enough for the supply already is one less when it is spent.
///
/// `free` are the coins that may be spent, descending, as [`Wallet::coins`] gives them. `None` when nothing is gained.
#[must_use]
pub fn plan_split(free: &[Coin], lack: Lack) -> Option<Split> {
    let lack = Lack { rate: for_whole_vbytes(lack.rate), ..lack };
    let input_fee = lack.rate.fee_vb(INPUT_VB)?;
    let worth: Vec<&Coin> = free.iter().filter(|coin| coin.txout.value > input_fee).collect();
    let mut best: Option<(usize, Split)> = None;
    for joined in 1..=worth.len().min(MOST_JOINED) {
        let spent = &worth[..joined];
        let lost = spent.iter().filter(|coin| coin.txout.value >= lack.coin).count();
        let sum: Amount = spent.iter().map(|coin| coin.txout.value).sum();
        let outputs = made_of(sum, joined, lack).min(lack.missing + lost);
        let gained = outputs.saturating_sub(lost);
        let inputs = spent.iter().map(|coin| coin.outpoint).collect();
        if gained > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((gained, Split { inputs, outputs }));
        }
        if gained == lack.missing {
            break;
        }
    }
    best.map(|(_, split)| split)
}

/// How many coins a sum makes, after the fee of a transaction that has so many outputs and one for change.
fn made_of(sum: Amount, inputs: usize, lack: Lack) -> usize {
    let fixed = BASE_VB + INPUT_VB * inputs as u64 + OUTPUT_VB;
    let (Some(fixed), Some(output)) = (lack.rate.fee_vb(fixed), lack.rate.fee_vb(OUTPUT_VB)) else {
        return 0;
    };
    let rest = sum.checked_sub(fixed).unwrap_or(Amount::ZERO);
    usize::try_from(rest.to_sat() / (lack.coin + output).to_sat()).unwrap_or(usize::MAX)
}

/// What a split into so many coins costs at most, where it joins one coin.
#[must_use]
pub fn split_fee(outputs: usize, rate: FeeRate) -> Amount {
    for_whole_vbytes(rate)
        .fee_vb(BASE_VB + INPUT_VB + OUTPUT_VB * (outputs as u64 + 1))
        .unwrap_or(Amount::MAX_MONEY)
}

impl Wallet {
    /// Builds and signs a split: each coin of the supply at an address of its own on the change branch.
    ///
    /// # Errors
    /// Any of [`SpendError`]; nothing is signed then.
    pub fn split(&mut self, split: &Split, coin: Amount, rate: FeeRate) -> Result<SignedTx, SpendError> {
        check_rate(rate)?;
        let scripts: Vec<_> = (0..split.outputs).map(|_| self.new_change_script()).collect();
        let mut builder = self.inner.build_tx().coin_selection(LargestFirstCoinSelection);
        builder.fee_rate(for_whole_vbytes(rate)).ordering(TxOrdering::Untouched).manually_selected_only();
        builder.add_utxos(&split.inputs).map_err(|_| SpendError::NothingToSend)?;
        for script in scripts {
            builder.add_recipient(script, coin);
        }
        let psbt = finish(builder)?;
        self.finish(psbt)
    }

    /// Builds and signs a payment of these coins whole, the fee and `back` taken out of it; `back` comes back to us.
    ///
    /// # Errors
    /// Any of [`SpendError`]; nothing is signed then.
    pub fn pay_whole(
        &mut self,
        to: &Address<NetworkUnchecked>,
        coins: &[OutPoint],
        back: Amount,
        rate: FeeRate,
    ) -> Result<SignedTx, SpendError> {
        let script = self.script_on_our_network(to)?;
        check_rate(rate)?;
        let ours = (back > Amount::ZERO).then(|| self.new_change_script());
        let mut builder = self.inner.build_tx().coin_selection(LargestFirstCoinSelection);
        builder.fee_rate(for_whole_vbytes(rate)).ordering(TxOrdering::Untouched).manually_selected_only();
        builder.add_utxos(coins).map_err(|_| SpendError::NothingToSend)?;
        if let Some(ours) = ours {
            builder.add_recipient(ours, back);
        }
        builder.drain_to(script);
        let psbt = finish(builder)?;
        self.finish(psbt)
    }

    /// What a transaction pays to miners, where every coin that it spends is known.
    #[must_use]
    pub fn fee(&self, tx: &Transaction) -> Option<Amount> {
        self.inner.calculate_fee(tx).ok()
    }

    /// A transaction that was built will not be used: its change address goes to the next one.
    pub fn give_up(&mut self, tx: &Transaction) {
        for output in &tx.output {
            let known = self.inner.derivation_of_spk(output.script_pubkey.clone());
            if let Some((KeychainKind::Internal, index)) = known {
                self.inner.unmark_used(KeychainKind::Internal, index);
            }
        }
    }

    /// What a transaction takes out of this wallet for good: all it spends of ours, less what it pays to us.
    #[must_use]
    pub fn leaves(&self, tx: &Transaction) -> Amount {
        let (sent, received) = self.inner.sent_and_received(tx);
        sent.checked_sub(received).unwrap_or(Amount::ZERO)
    }

    /// Unspent coins of at least this value that no block has yet and that a transaction of our own made.
    #[must_use]
    pub fn own_pending(&self, least: Amount) -> usize {
        let unconfirmed = self
            .inner
            .list_unspent()
            .filter(|coin| coin.chain_position.is_unconfirmed() && coin.txout.value >= least);
        unconfirmed.filter(|coin| self.is_own_payment(coin.outpoint.txid)).count()
    }

    fn is_own_payment(&self, txid: bitcoin::Txid) -> bool {
        let node = self.inner.tx_graph().get_tx_node(txid);
        node.is_some_and(|node| self.inner.sent_and_received(&node.tx).0 > Amount::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bitcoin::absolute::LockTime;
    use bitcoin::hashes::Hash as _;
    use bitcoin::transaction::Version;
    use bitcoin::{ScriptBuf, TxOut, Txid};

    use super::*;

    fn coins(values: &[u64]) -> Vec<Coin> {
        let tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: Vec::new(),
            output: Vec::new(),
        };
        let prev_tx = Arc::new(tx);
        let coin = |(vout, value): (usize, &u64)| Coin {
            outpoint: OutPoint::new(Txid::all_zeros(), u32::try_from(vout).unwrap()),
            txout: TxOut { value: Amount::from_sat(*value), script_pubkey: ScriptBuf::new() },
            prev_tx: Arc::clone(&prev_tx),
            confirmations: 1,
        };
        values.iter().enumerate().map(coin).collect()
    }

    /// How many coins are joined, and how many of 100,000 sat come out, at 1 sat/vB.
    fn plan(values: &[u64], missing: usize) -> Option<(usize, usize)> {
        let rate = FeeRate::from_sat_per_vb_u32(1);
        let lack = Lack { coin: Amount::from_sat(100_000), missing, rate };
        plan_split(&coins(values), lack).map(|split| (split.inputs.len(), split.outputs))
    }

    #[test]
    fn one_big_coin_that_counts_as_one_itself_becomes_what_is_missing_and_itself() {
        assert_eq!(plan(&[2_000_000], 9), Some((1, 10)));
    }

    #[test]
    fn no_more_coins_are_joined_than_needed() {
        assert_eq!(plan(&[900_000, 250_000, 150_000, 90_000], 3), Some((1, 4)));
        assert_eq!(plan(&[90_000, 80_000, 70_000], 1), Some((2, 1)));
    }

    #[test]
    fn where_the_money_does_not_suffice_for_all_it_makes_as_many_as_it_can() {
        // 350,000 less 111 of fee and 32 for each output.
        assert_eq!(plan(&[350_000], 9), Some((1, 3)));
        assert_eq!(plan(&[200_175], 9), Some((1, 2)), "to the satoshi");
        assert_eq!(plan(&[200_174], 9), None, "and with one less it would only be spent for nothing");
    }

    #[test]
    fn nothing_is_spent_for_nothing() {
        assert_eq!(plan(&[150_000, 150_000], 8), None, "two coins would become two");
        assert_eq!(plan(&[99_000], 1), None);
        assert_eq!(plan(&[60; 10], 1), None, "crumbs that are not worth their own input");
        assert_eq!(plan(&[], 1), None);
    }
}
