//! Dry runs: a request goes its whole way up to where it would store, send or sign something, and says there what that is.
//!
//! The checks are those of the request itself: whatever refuses it refuses its dry run. What follows here is only arithmetic
//! about what they let through.

use bitcoin::{FeeRate, Transaction};
use contract::Close;
use mandate::{Commitment, History, Live, Source, Spent, Stake};
use protocol::owner::{DryAction, DryPayout, DryRun, Role, UsageView};
use terms::{Agreement, Hex32, PayoutTable, Sat, Side, UnixSeconds};

use crate::core::Core;
use crate::error::NodeError;
use crate::peers::lock::own_fees;
use crate::ticket::Ticket;

/// The session of terms that have none yet: no session's id is drawn like this.
pub(crate) const NOBODYS: Hex32 = Hex32([0; 32]);

/// What is to be said of words in a negotiation while coins are missing.
const WITHOUT_COINS: &str = "free coins are missing at present: it is said all the same, and an escrow that comes of it is \
                             locked only if they are there by its funding deadline";

/// Terms that would be committed to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    /// What would be done.
    pub action: DryAction,
    /// The session that they would be of, which says in whose name they are.
    pub id: Hex32,
    /// Our side.
    pub side: Side,
    /// They.
    pub agreement: &'a Agreement,
    /// When the refund would be valid.
    pub refund_at: UnixSeconds,
}

/// When the refund of terms is valid whose event is not announced yet: maturity follows the window by so many seconds.
pub(crate) fn refund_at(agreement: &Agreement, publication_s: u64) -> UnixSeconds {
    let matures = agreement.measurement.window.end.0.saturating_add(publication_s);
    UnixSeconds(matures.saturating_add(agreement.refund_delay_s))
}

impl Core {
    /// What locking an escrow on these terms would come to: coins and mandate are asked as when it is locked.
    ///
    /// # Errors
    /// As locking: coins that are missing, the mandate, and a question to the owner, which is not stored.
    pub(crate) fn rehearse(&self, terms: &Terms<'_>, now: u64) -> Result<DryRun, NodeError> {
        let Terms { action, id, side, agreement, refund_at } = *terms;
        self.config.check_margin(agreement)?;
        let (commitment, coins) = self.could_lock(terms, now)?;
        let table = agreement.compile().map_err(protocol::OfferError::from)?;
        Ok(DryRun {
            terms_hash: Some(agreement.terms_hash()),
            role: Some(role(side)),
            stake_sat: Some(commitment.stake.sat()),
            fees_sat: Some(commitment.fees_sat),
            fee_rate_sat_vb: Some(agreement.fee_rate_sat_vb),
            coins: coins.and_then(|coins| u64::try_from(coins).ok()),
            leaves_sat: Some(commitment.locked_sat()),
            refund_at: Some(refund_at),
            payouts: payouts(&table, agreement),
            limits: self.limits_with(id, &commitment, now)?,
            note: if coins.is_none() { WITHOUT_COINS.to_owned() } else { String::new() },
            ..DryRun::of(action)
        })
    }

    /// Whether an escrow on these terms could be locked as things are now, with what it would commit and of how many coins:
    /// the one question that a dry run and its request both ask. The mandate is asked first, as when terms are agreed, and
    /// again when it is known how many coins they take. Words that bind nobody yet need no coins: then there may be none.
    ///
    /// # Errors
    /// As locking: coins that are missing, the mandate, and a question to the owner, which is not stored.
    pub(crate) fn could_lock(
        &self,
        terms: &Terms<'_>,
        now: u64,
    ) -> Result<(Commitment, Option<usize>), NodeError> {
        let Terms { action, id, side, agreement, refund_at } = *terms;
        let asked = |coins: usize| {
            let fees = own_fees(agreement, side, coins.max(1));
            let commitment = Commitment::of(agreement, side, fees, refund_at, UnixSeconds(now));
            let allowed = self.may_commit(id, agreement.terms_hash(), commitment.clone(), now);
            allowed.map(|()| commitment).map_err(|error| error.about(agreement))
        };
        let least = asked(1)?;
        match self.coins_for(agreement, side) {
            Ok(coins) => Ok((asked(coins.len())?, Some(coins.len()))),
            Err(NodeError::Coins(_)) if matches!(action, DryAction::Negotiate | DryAction::Propose) => {
                Ok((least, None))
            }
            Err(error) => Err(error),
        }
    }

    /// Where the dry run of a request about terms ends: what it comes to, or what refuses it. The name of a key that asks
    /// stands beside the session for as long as that takes.
    pub(crate) fn rehearsed_as(&mut self, ticket: &Ticket, terms: Terms<'_>, now: u64) -> NodeError {
        self.act_for(terms.id, ticket.name());
        let rehearsed = self.rehearse(&terms, now);
        if ticket.name().is_some() {
            self.guard.acting.remove(&terms.id);
        }
        rehearsed.map_or_else(|refusal| refusal, |plan| NodeError::Rehearsed(Box::new(plan)))
    }

    /// What is used of each limit once a commitment counts as well, the owner's and that of the key that would make it.
    fn limits_with(&self, id: Hex32, new: &Commitment, now: u64) -> Result<Vec<UsageView>, NodeError> {
        let name = self.guard.acting.get(&id);
        let mut history = self.history(Some(id), now)?;
        let (bond, unsigned) = match new.stake {
            Stake::Bond(bond) => (bond, true),
            Stake::Price(_) => (Sat(0), false),
        };
        history.live.push(Live {
            counterparty: new.counterparty,
            locked: new.locked_sat(),
            service: new.service.clone(),
            bond,
            unsigned,
            key: name.cloned(),
        });
        let (at, sat, source) = (history.now, new.locked_sat(), Source::Escrow(id));
        history.spent.push(Spent { at, sat, source, key: name.cloned() });
        let own = self.usage_of(name.map(String::as_str), &history);
        let concerned = |usage: &UsageView| {
            let about = [String::new(), new.counterparty.to_string(), new.service.clone()];
            about.contains(&usage.of) && usage.limit != "max_withdrawn_per_day_sat"
        };
        Ok(own.into_iter().filter(concerned).collect())
    }

    /// What a payment would take, and what of the limit of a day would be used with it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn rehearse_payment(
        &mut self,
        tx: &Transaction,
        rate: FeeRate,
        now: u64,
    ) -> Result<DryRun, NodeError> {
        let leaving = Sat(self.wallet.leaves(tx).to_sat());
        let fee = self.wallet.fee(tx).map(|fee| Sat(fee.to_sat()));
        // Its change address is given to the next payment.
        self.wallet.give_up(tx);
        let history = self.whole_history(now).await?;
        let withdrawn = Sat(history.withdrawn.0.saturating_add(leaving.0));
        let usage = self.usage_of(None, &History { withdrawn, ..history });
        Ok(DryRun {
            fees_sat: fee,
            fee_rate_sat_vb: Some(rate.to_sat_per_vb_ceil()),
            coins: u64::try_from(tx.input.len()).ok(),
            leaves_sat: Some(leaving),
            limits: usage.into_iter().filter(|usage| usage.limit == "max_withdrawn_per_day_sat").collect(),
            ..DryRun::of(DryAction::Pay)
        })
    }
}

/// What a split would pay each side.
pub(crate) fn split(action: DryAction, close: &Close) -> DryRun {
    let (provider_sat, buyer_sat) = (close.provider_sat, close.buyer_sat);
    DryRun {
        payouts: vec![DryPayout { case: "closed".into(), provider_sat, buyer_sat }],
        ..DryRun::of(action)
    }
}

fn role(side: Side) -> Role {
    match side {
        Side::Provider => Role::Provider,
        Side::Buyer => Role::Buyer,
    }
}

/// The cases that say most: the best and the worst outcome, none, and silence.
fn payouts(table: &PayoutTable, agreement: &Agreement) -> Vec<DryPayout> {
    let parts: Vec<Sat> = match table {
        PayoutTable::Numeric { segments, .. } => {
            segments.iter().map(|segment| segment.provider_sat).collect()
        }
        PayoutTable::Levels { levels, .. } => levels.iter().map(|(_, provider_sat)| *provider_sat).collect(),
    };
    let Some((indeterminate, measured)) = parts.split_last() else { return Vec::new() };
    let cases = [
        ("at the best outcome", measured.iter().max()),
        ("at the worst outcome", measured.iter().min()),
        ("when too little was measured", Some(indeterminate)),
        ("refunded, when the oracles stay silent", Some(&agreement.bond_sat)),
    ];
    let total = agreement.total_sat().0;
    let payout = |(case, provider): (&str, Option<&Sat>)| {
        let provider_sat = *provider?;
        let buyer_sat = Sat(total.saturating_sub(provider_sat.0));
        Some(DryPayout { case: case.to_owned(), provider_sat, buyer_sat })
    };
    cases.into_iter().filter_map(payout).collect()
}
