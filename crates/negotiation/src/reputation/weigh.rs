//! Counting finished escrows, and how much of them counts.

use std::collections::BTreeSet;

use protocol::owner::{End, Finished, Tally};
use terms::{Hex32, Sat};

/// Whose word for a provider counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Buyers whose escrows count fully.
    pub buyers: BTreeSet<Hex32>,
    /// How many kept promises to other buyers count, one for each buyer.
    pub strangers: u64,
}

/// Finished escrows of one provider, by what they rest on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// What counts.
    pub counted: Tally,
    /// What the node lived through itself.
    pub own: Tally,
    /// Presented, with buyers that are trusted.
    pub trusted: Tally,
    /// Presented, with anybody else.
    pub strangers: Tally,
}

/// Counts finished escrows. Each funding transaction counts once: what is given first stays.
pub fn tally<'a>(finished: impl IntoIterator<Item = &'a Finished>) -> Tally {
    let (mut seen, mut buyers, mut tally) = (BTreeSet::new(), BTreeSet::new(), Tally::default());
    for one in finished {
        if !seen.insert(one.funding_txid) {
            continue;
        }
        buyers.insert(one.buyer);
        let count = match one.end {
            End::Kept => &mut tally.kept,
            End::Breached => &mut tally.breached,
            End::Indeterminate => &mut tally.indeterminate,
            End::Closed => &mut tally.closed,
            End::Refunded => &mut tally.refunded,
        };
        *count += 1;
        tally.price_sat = Sat(tally.price_sat.0.saturating_add(one.price_sat.0));
        if let (Some(promised), Some(measured)) = (one.promised_ppm, one.measured_ppm) {
            tally.ppm_windows += 1;
            tally.promised_ppm = tally.promised_ppm.saturating_add(promised);
            tally.measured_ppm = tally.measured_ppm.saturating_add(measured);
        }
    }
    tally.buyers = buyers.len() as u64;
    tally
}

/// Weighs what is known of one provider: what the node lived through as the buyer, and what was presented and verified.
/// An escrow that is in both is the node's own. The result does not depend on the order of what was presented.
pub fn weigh(own: &[Finished], presented: &[Finished], trust: &Trust) -> Weighed {
    let mine: BTreeSet<Hex32> = own.iter().map(|one| one.funding_txid).collect();
    let mut others: Vec<&Finished> =
        presented.iter().filter(|one| !mine.contains(&one.funding_txid)).collect();
    others.sort_by_key(|one| (one.window.start, one.funding_txid));
    let (trusted, strangers): (Vec<&Finished>, Vec<&Finished>) =
        others.into_iter().partition(|one| trust.buyers.contains(&one.buyer));
    let believed = believed(&strangers, trust.strangers);
    let counted = own.iter().chain(trusted.iter().copied()).chain(believed);
    Weighed {
        counted: tally(counted),
        own: tally(own),
        trusted: tally(trusted.iter().copied()),
        strangers: tally(strangers.iter().copied()),
    }
}

/// What counts of escrows with strangers: every breach, and so many kept promises, the first with each of them.
fn believed<'a>(strangers: &[&'a Finished], most: u64) -> Vec<&'a Finished> {
    let mut buyers = BTreeSet::new();
    let mut left = most;
    let counts = |one: &&&'a Finished| match one.end {
        End::Breached => true,
        End::Kept if left > 0 && buyers.insert(one.buyer) => {
            left -= 1;
            true
        }
        _ => false,
    };
    strangers.iter().filter(counts).copied().collect()
}
