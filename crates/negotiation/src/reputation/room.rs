//! Which finished escrow makes room for another, where no more can be kept.
//!
//! Anybody can finish worthless escrows with itself. They must not keep out what counts, and a breach least of all.

use std::collections::BTreeSet;

use protocol::owner::{End, Finished};
use terms::Hex32;

use super::weigh::Trust;

/// How much one would be missed, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// It ended in a way that says nothing about a service.
    Nothing,
    /// A promise that was kept to a stranger of whom there is another.
    Repeated,
    /// A promise that was kept to a stranger.
    Stranger,
    /// A promise that was kept to somebody who is trusted.
    Trusted,
    /// A promise that was broken, to whomever.
    Breach,
}

/// Which of a provider's escrows is forgotten for a newcomer: of those that are worth least the one with the earliest
/// window. `None` where all are worth as much as the newcomer, or more.
pub fn makes_room<'a>(kept: &'a [Finished], newcomer: &Finished, trust: &Trust) -> Option<&'a Finished> {
    let mut sorted: Vec<&Finished> = kept.iter().collect();
    sorted.sort_by_key(|one| (one.window.start, one.funding_txid));
    let mut buyers = BTreeSet::new();
    let worths: Vec<(Worth, &Finished)> =
        sorted.into_iter().map(|one| (worth(one, trust, &mut buyers), one)).collect();
    // The first of those that are worth the same.
    let (least, one) = worths.into_iter().min_by_key(|(worth, _)| *worth)?;
    (least < worth(newcomer, trust, &mut buyers)).then_some(one)
}

/// What one is worth after others with these buyers, among whom its own is noted.
fn worth(one: &Finished, trust: &Trust, buyers: &mut BTreeSet<Hex32>) -> Worth {
    match one.end {
        End::Breached => Worth::Breach,
        End::Kept if trust.buyers.contains(&one.buyer) => Worth::Trusted,
        End::Kept if buyers.insert(one.buyer) => Worth::Stranger,
        End::Kept => Worth::Repeated,
        End::Indeterminate | End::Closed | End::Refunded => Worth::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use terms::{Sat, TimeRange, UnixSeconds};

    use super::*;

    fn one(number: u8, buyer: u8, end: End) -> Finished {
        let start = u64::from(number);
        Finished {
            provider: Hex32([1; 32]),
            buyer: Hex32([buyer; 32]),
            funding_txid: Hex32([number; 32]),
            closing_txid: Hex32([number; 32]),
            target: "http://service.example/".to_owned(),
            window: TimeRange { start: UnixSeconds(start), end: UnixSeconds(start + 1) },
            price_sat: Sat(1_000),
            end,
            promised_ppm: None,
            measured_ppm: None,
        }
    }

    #[test]
    fn what_counts_least_goes_first_and_a_breach_never() {
        let trust = Trust { buyers: [Hex32([7; 32])].into(), strangers: 1 };
        let mut kept = vec![
            one(1, 2, End::Breached),
            one(2, 7, End::Kept),
            one(3, 3, End::Kept),
            one(4, 3, End::Kept),
            one(5, 4, End::Kept),
            one(6, 7, End::Refunded),
            one(7, 7, End::Closed),
        ];
        for gone in [6, 7, 4, 3, 5, 2] {
            let room = makes_room(&kept, &one(9, 9, End::Breached), &trust).unwrap();
            assert_eq!(room.funding_txid, Hex32([gone; 32]));
            kept.retain(|one| one.funding_txid != Hex32([gone; 32]));
        }
        assert_eq!(makes_room(&kept, &one(9, 9, End::Breached), &trust), None, "only a breach is left");
    }

    #[test]
    fn nothing_makes_room_for_what_counts_no_more_than_itself() {
        let trust = Trust { buyers: [Hex32([7; 32])].into(), strangers: 1 };
        let kept = [one(1, 3, End::Kept), one(2, 4, End::Kept)];
        let room = |newcomer| makes_room(&kept, &newcomer, &trust).map(|one| one.funding_txid);
        assert_eq!(room(one(9, 3, End::Kept)), None, "again the same buyer");
        assert_eq!(room(one(9, 5, End::Kept)), None, "another stranger");
        assert_eq!(room(one(9, 7, End::Refunded)), None);
        assert_eq!(room(one(9, 7, End::Kept)), Some(Hex32([1; 32])));
    }
}
