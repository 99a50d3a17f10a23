//! Choosing coins for a contract.

use std::collections::BTreeSet;
use std::sync::Arc;

use bdk_wallet::chain::ChainPosition;
use bitcoin::{Amount, OutPoint, Transaction, TxOut};

use crate::{SelectError, Wallet};

/// The most inputs one side brings into a contract: each carries its whole previous transaction in the message.
const MAX_INPUTS: usize = 64;

/// Outputs below this are dropped by the DLC libraries and their value goes to the miners.
const LEAST_CHANGE: Amount = Amount::from_sat(1_000);

/// A confirmed coin of the wallet, with all that a DLC funding input needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coin {
    /// Where it is.
    pub outpoint: OutPoint,
    /// Value and script.
    pub txout: TxOut,
    /// The transaction that made it.
    pub prev_tx: Arc<Transaction>,
    /// At least 1.
    pub confirmations: u32,
}

/// What coins are wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoinRequest {
    /// What the coins must be worth after their own input fees: collateral, and the side's other fees.
    pub target: Amount,
    /// What one more input costs at the agreed fee rate (68 vB for P2WPKH).
    pub fee_per_input: Amount,
    /// 1 or more; unconfirmed coins are never chosen, so 0 counts as 1.
    pub min_confirmations: u32,
}

impl Wallet {
    /// Unspent, confirmed, mature coins, largest first, equal ones by outpoint.
    #[must_use]
    pub fn coins(&self) -> Vec<Coin> {
        let tip = self.height();
        let mut coins: Vec<Coin> = self
            .inner
            .list_unspent()
            .filter_map(|output| {
                let ChainPosition::Confirmed { anchor, .. } = output.chain_position else { return None };
                let prev_tx = Arc::clone(&self.inner.tx_graph().get_tx_node(output.outpoint.txid)?.tx);
                let confirmations = (tip + 1).saturating_sub(anchor.block_id.height);
                let mature = !prev_tx.is_coinbase() || confirmations >= bitcoin::constants::COINBASE_MATURITY;
                mature.then_some(Coin {
                    outpoint: output.outpoint,
                    txout: output.txout,
                    prev_tx,
                    confirmations,
                })
            })
            .collect();
        coins.sort_by_key(|coin| (std::cmp::Reverse(coin.txout.value), coin.outpoint));
        coins
    }

    /// Chooses coins for a contract: the smallest single coin that suffices, else the largest ones together. The same
    /// wallet and request give the same coins.
    ///
    /// A coin that would leave change of 1 to 999 sat is passed over while another single one would not, because the DLC
    /// libraries give such change to the miners. It is taken before several are joined: each coin joined is one escrow less
    /// that can be taken before the next block.
    ///
    /// # Errors
    /// [`SelectError::Insufficient`] with what is missing, or [`SelectError::TooFragmented`].
    pub fn select_coins(
        &self,
        request: CoinRequest,
        reserved: &BTreeSet<OutPoint>,
    ) -> Result<Vec<Coin>, SelectError> {
        let usable: Vec<Coin> = self
            .coins()
            .into_iter()
            .filter(|coin| coin.confirmations >= request.min_confirmations.max(1))
            .filter(|coin| !reserved.contains(&coin.outpoint) && coin.txout.script_pubkey.is_p2wpkh())
            // A coin that costs more than it brings would only raise what is missing.
            .filter(|coin| coin.txout.value > request.fee_per_input)
            .collect();
        let values: Vec<Amount> = usable.iter().map(|coin| coin.txout.value).collect();
        let chosen = choose(&values, request)?;
        Ok(chosen.map(|index| usable[index].clone()).collect())
    }
}

/// Positions to take out of `values`, which descend.
fn choose(values: &[Amount], request: CoinRequest) -> Result<std::ops::Range<usize>, SelectError> {
    let needed = |inputs: usize| request.target + request.fee_per_input * inputs as u64;
    let fits = |sum: Amount, inputs: usize| sum >= needed(inputs);
    let clean = |sum: Amount, inputs: usize| {
        let change = sum.checked_sub(needed(inputs));
        change.is_some_and(|change| change == Amount::ZERO || change >= LEAST_CHANGE)
    };
    let single = values.iter().rposition(|&value| clean(value, 1));
    if let Some(index) = single.or_else(|| values.iter().rposition(|&value| fits(value, 1))) {
        return Ok(index..index + 1);
    }
    let sums: Vec<Amount> = values
        .iter()
        .scan(Amount::ZERO, |sum, &value| {
            *sum += value;
            Some(*sum)
        })
        .collect();
    let first = |good: &dyn Fn(Amount, usize) -> bool| {
        sums.iter()
            .take(MAX_INPUTS)
            .enumerate()
            .find(|&(index, &sum)| good(sum, index + 1))
            .map(|(index, _)| index + 1)
    };
    if let Some(count) = first(&clean).or_else(|| first(&fits)) {
        return Ok(0..count);
    }
    let available = sums.last().copied().unwrap_or(Amount::ZERO);
    let needed = needed(values.len().max(1));
    match needed.checked_sub(available) {
        Some(missing) if missing > Amount::ZERO => {
            Err(SelectError::Insufficient { needed, available, missing })
        }
        _ => Err(SelectError::TooFragmented { limit: MAX_INPUTS, target: request.target }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: u64, fee: u64) -> CoinRequest {
        CoinRequest {
            target: Amount::from_sat(target),
            fee_per_input: Amount::from_sat(fee),
            min_confirmations: 1,
        }
    }

    fn pick(values: &[u64], target: u64, fee: u64) -> Result<Vec<u64>, SelectError> {
        let amounts: Vec<_> = values.iter().map(|&value| Amount::from_sat(value)).collect();
        choose(&amounts, request(target, fee)).map(|range| values[range].to_vec())
    }

    #[test]
    fn the_smallest_coin_that_suffices_is_taken_so_that_large_ones_stay_free() {
        assert_eq!(pick(&[500_000, 80_000, 50_000, 9_000], 40_000, 340).unwrap(), [50_000]);
    }

    #[test]
    fn without_a_single_coin_that_suffices_the_largest_are_joined() {
        assert_eq!(pick(&[50_000, 40_000, 30_000, 20_000], 85_000, 340).unwrap(), [50_000, 40_000]);
    }

    #[test]
    fn each_joined_coin_pays_its_own_input() {
        // 90,000 covers two inputs' fees of 680 only up to a target of 89,320.
        assert_eq!(pick(&[50_000, 40_000, 30_000], 89_320, 340).unwrap(), [50_000, 40_000]);
        assert_eq!(pick(&[50_000, 40_000, 30_000], 89_321, 340).unwrap(), [50_000, 40_000, 30_000]);
    }

    #[test]
    fn change_that_would_go_to_the_miners_is_avoided_while_another_coin_can() {
        assert_eq!(pick(&[70_000, 40_840], 40_000, 340).unwrap(), [70_000]);
        assert_eq!(pick(&[40_340], 40_000, 340).unwrap(), [40_340], "no change at all is fine");
        assert_eq!(pick(&[40_840], 40_000, 340).unwrap(), [40_840], "rather 500 sat lost than no contract");
    }

    #[test]
    fn several_coins_of_a_supply_are_not_eaten_to_save_a_crumb() {
        assert_eq!(pick(&[40_840; 10], 40_000, 340).unwrap(), [40_840]);
        assert_eq!(
            pick(&[90_000, 40_840, 40_840], 40_000, 340).unwrap(),
            [90_000],
            "one that leaves real change"
        );
    }

    #[test]
    fn the_error_says_how_much_is_missing() {
        let error = pick(&[30_000, 20_000], 60_000, 340).unwrap_err();
        let sat = Amount::from_sat;
        assert_eq!(
            error,
            SelectError::Insufficient { needed: sat(60_680), available: sat(50_000), missing: sat(10_680) }
        );
        assert!(
            matches!(pick(&[], 1, 340), Err(SelectError::Insufficient { missing, .. }) if missing == sat(341))
        );
    }

    #[test]
    fn a_heap_of_crumbs_is_refused_rather_than_put_into_one_transaction() {
        assert!(matches!(pick(&[1_000; 80], 60_000, 340), Err(SelectError::Insufficient { .. })));
        assert!(matches!(
            pick(&[1_000; 200], 60_000, 340),
            Err(SelectError::TooFragmented { limit: 64, .. })
        ));
    }
}
