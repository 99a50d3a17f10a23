//! The scheduled sweep: what is left over goes to the owner's cold address, once at each moment of the schedule.

use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Transaction, Txid};
use protocol::owner::{SweepRun, SweepView};
use storage::Fact;
use terms::UnixSeconds;
use wallet::SpendError;

use crate::config::SweepConfig;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::money::spend::Purpose;
use crate::views::shown;

/// A P2WPKH input in vB.
const INPUT_VB: u64 = 68;
/// The least that comes back as change: a smaller coin is worth less than spending it.
const LEAST_BACK: Amount = Amount::from_sat(1_000);

/// What the node knows about the sweep between two looks.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// What became of the last one, as it is stored.
    last: Option<SweepRun>,
    /// What the one that is due waits for.
    waits_for: Option<&'static str>,
}

impl Sweep {
    /// From what is stored.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read(stored: Option<&str>) -> Result<Self, NodeError> {
        let last = stored.map(serde_json::from_str).transpose();
        Ok(Self { last: last.map_err(|_| NodeError::Damaged { what: "sweep" })?, waits_for: None })
    }
}

impl Core {
    /// Sweeps when the schedule says so: once for each of its moments, and once for all those that were missed. What is
    /// too little to be worth a fee then waits for the next moment.
    ///
    /// # Errors
    /// When the Bitcoin node or the database fails; the next look tries again.
    pub(crate) async fn tend_sweep(&mut self, now: u64) -> Result<(), NodeError> {
        let Some(config) = self.config.sweep.clone() else { return Ok(()) };
        let due_at = UnixSeconds(config.last_moment(now));
        let run = SweepRun { due_at, at: UnixSeconds(now), txid: None, note: None };
        match &self.sweep.last {
            None => return self.note_sweep(run.because("the schedule begins"), now).await,
            Some(last) if last.due_at >= due_at => return Ok(()),
            Some(_) => {}
        }
        let Some(rate) = self.rate_within(config.target_blocks, config.max_fee_rate_sat_vb)? else {
            self.sweep_waits_for(Some("a fee rate within sweep.max_fee_rate_sat_vb"));
            return Ok(());
        };
        self.sweep_waits_for(None);
        match self.build_sweep(&config, rate) {
            Some(tx) => self.send_sweep(tx, run, now).await,
            None => self.note_sweep(run.because("there was too little to sweep"), now).await,
        }
    }

    /// What goes to the cold address now, where that is worth it.
    pub(crate) fn build_sweep(&mut self, config: &SweepConfig, rate: FeeRate) -> Option<Transaction> {
        let (coins, back) = self.left_over(config, rate);
        if coins.is_empty() {
            return None;
        }
        match self.wallet.pay_whole(&config.address, &coins, back, rate) {
            Ok(signed) if arrives(&signed.tx, &config.script()) >= config.min_sat.0 => Some(signed.tx),
            Ok(_) | Err(SpendError::Insufficient { .. } | SpendError::NothingToSend) => None,
            Err(error) => {
                tracing::warn!(%error, "the sweep cannot be built");
                None
            }
        }
    }

    /// The coins that are neither reserved nor of the supply nor kept, and how much of them has to come back. Whole coins
    /// are kept where they can be, because change is of no use before the next block.
    fn left_over(&self, config: &SweepConfig, rate: FeeRate) -> (Vec<OutPoint>, Amount) {
        let supply = self.supply_coins();
        let worth = rate.fee_vb(INPUT_VB).unwrap_or(Amount::MAX_MONEY);
        let mut kept = Amount::from_sat(config.keep_sat.0) + self.supply_lacks();
        let mut swept = Vec::new();
        for coin in self.free_coins() {
            if supply.contains(&coin.outpoint) || coin.txout.value <= worth {
                continue;
            }
            match kept.checked_sub(coin.txout.value) {
                Some(rest) => kept = rest,
                None => swept.push(coin.outpoint),
            }
        }
        let back = if kept == Amount::ZERO { kept } else { kept.max(LEAST_BACK) };
        (swept, back)
    }

    /// The payment and the schedule's note of it are one transaction, so no crash makes it two payments or none.
    pub(crate) async fn store_sweep(
        &mut self,
        tx: Transaction,
        run: SweepRun,
        now: u64,
    ) -> Result<Txid, NodeError> {
        let run = SweepRun { txid: Some(shown(tx.compute_txid())), ..run };
        let change = Change { facts: vec![(Fact::LastSweep, json(&run)?)], ..Change::default() };
        let txid = self.write_off(tx, Purpose::Sweep, change, now).await?;
        self.sweep.last = Some(run);
        Ok(txid)
    }

    async fn send_sweep(&mut self, tx: Transaction, run: SweepRun, now: u64) -> Result<(), NodeError> {
        let txid = self.store_sweep(tx, run.clone(), now).await?;
        match self.broadcast_payment(txid, None, now).await {
            Err(error @ NodeError::Broadcast(_)) => {
                tracing::warn!(%txid, %error, "the sweep is refused");
                self.note_sweep(run.because("the Bitcoin node refused it"), now).await
            }
            sent => sent,
        }
    }

    async fn note_sweep(&mut self, run: SweepRun, now: u64) -> Result<(), NodeError> {
        tracing::info!(due_at = run.due_at.0, note = run.note.as_deref(), "nothing is swept");
        let facts = vec![(Fact::LastSweep, json(&run)?)];
        self.commit(Change { facts, ..Change::default() }, now).await?;
        self.sweep.last = Some(run);
        Ok(())
    }

    /// Logged when it changes, and not at every look.
    fn sweep_waits_for(&mut self, what: Option<&'static str>) {
        if let Some(what) = what.filter(|_| self.sweep.waits_for != what) {
            tracing::warn!("the sweep waits for {what}");
        }
        self.sweep.waits_for = what;
    }

    /// When the schedule comes to its next moment.
    pub(crate) fn next_sweep(&self, now: u64) -> Option<u64> {
        self.config.sweep.as_ref().map(|sweep| sweep.next_moment(now))
    }

    /// The schedule, and what became of the last sweep.
    ///
    /// # Errors
    /// When the configuration has none.
    pub(crate) fn sweep_view(&self, now: u64) -> Result<SweepView, NodeError> {
        let config = self.config.sweep.as_ref().ok_or(NodeError::NotFound { what: "sweep" })?;
        Ok(SweepView {
            address: config.address.clone().assume_checked().to_string(),
            next_at: UnixSeconds(config.next_moment(now)),
            keep_sat: config.keep_sat,
            min_sat: config.min_sat,
            last: self.sweep.last.clone(),
            waits_for: self.sweep.waits_for.map(str::to_owned),
        })
    }
}

fn arrives(tx: &Transaction, script: &ScriptBuf) -> u64 {
    let outputs = tx.output.iter().filter(|output| output.script_pubkey == *script);
    outputs.map(|output| output.value.to_sat()).sum()
}

fn json(run: &SweepRun) -> Result<String, NodeError> {
    serde_json::to_string(run).map_err(|_| NodeError::Damaged { what: "sweep" })
}
