//! What is true of the owner's payments.

use bitcoin::{Address, Transaction, Txid};
use receipts::{Movement, Payee, Purpose, reconcile};
use storage::Receipts;
use terms::{Sat, UnixSeconds};

use super::{opened, read_lines};
use crate::core::Core;
use crate::error::NodeError;
use crate::money::spend;
use crate::views::shown;

impl Core {
    /// The lines of a payment: who gets what of it, and the miners' part.
    pub(crate) fn payment_movements(
        &self,
        tx: &Transaction,
        purpose: spend::Purpose,
        now: u64,
    ) -> Vec<Movement> {
        let line = |paid_to, sat| Movement {
            at: UnixSeconds(now),
            paid_to,
            sat: Sat(sat),
            purpose: match purpose {
                spend::Purpose::Withdrawal => Purpose::Withdrawal,
                spend::Purpose::Sweep => Purpose::Sweep,
                spend::Purpose::Split => Purpose::Split,
            },
            escrow: None,
            txid: Some(shown(tx.compute_txid())),
            terms_hash: None,
            attestation: None,
            corrects: None,
        };
        let foreign = tx.output.iter().filter(|output| !self.wallet.is_mine(&output.script_pubkey));
        let mut lines: Vec<Movement> = foreign
            .map(|output| {
                let address = Address::from_script(&output.script_pubkey, self.wallet.network());
                let payee = address.map_or(Payee::Unknown, |address| Payee::Address(address.to_string()));
                line(payee, output.value.to_sat())
            })
            .collect();
        let paid = lines.iter().map(|line| line.sat.0).fold(0, u64::saturating_add);
        let fee = self.wallet.leaves(tx).to_sat().saturating_sub(paid);
        lines.push(Movement { purpose: Purpose::Fee, ..line(Payee::Miners, fee) });
        lines.retain(|line| line.sat.0 > 0);
        lines
    }

    /// The lines that take back payments which were never made after all.
    ///
    /// # Errors
    /// When the database fails or a row cannot be read.
    pub(crate) async fn take_back(&self, payments: &[Txid], now: u64) -> Result<Vec<Movement>, NodeError> {
        let mut all = Vec::new();
        for txid in payments {
            let lines = read_lines(&self.store.receipts(Receipts::OfPayment(shown(*txid))).await?)?;
            let written: Vec<_> = lines.into_iter().filter_map(opened).collect();
            all.extend(reconcile(&written, &[], UnixSeconds(now)));
        }
        Ok(all)
    }
}
