//! Which attestation tells what an escrow paid by: one of several oracles may have attested something else.

use std::collections::BTreeSet;

use contract::gate;
use engine::{Bytes, Escrow, SpendKind};
use terms::{Outcome, Sat};

/// One word of one oracle.
struct Said<'a> {
    /// The oracle's place in the agreement.
    oracle: usize,
    bytes: &'a Bytes,
    outcome: Outcome,
    /// What the provider gets by it.
    pays: Option<Sat>,
}

/// What an escrow paid by, or would by what is known so far: an attestation, and the outcome that it says.
///
/// Of several it is the first that pays what the closing transaction paid; none where all that are known say something
/// else, as when the peer settled by words that never came here. Before there is such a transaction, it is the first of
/// those that most oracles agree with about what is paid, however many words one of them has said.
pub(crate) fn deciding(escrow: &Escrow) -> Option<(&Bytes, Outcome)> {
    let alone = escrow.agreement().oracles.keys.len() == 1;
    let mut said = said(escrow);
    let place = match escrow.spend {
        Some((_, SpendKind::Cet { provider_sat, .. }, _)) => {
            let paid = said.iter().position(|one| one.pays == Some(provider_sat));
            paid.or(alone.then_some(0))
        }
        // One that decides alone is heard with its first word.
        _ if alone => Some(0),
        _ => most(&said),
    };
    let decides = place.filter(|place| *place < said.len())?;
    let Said { bytes, outcome, .. } = said.swap_remove(decides);
    Some((bytes, outcome))
}

/// All that its oracles have said, the first word of each in front.
fn said(escrow: &Escrow) -> Vec<Said<'_>> {
    let agreement = escrow.agreement();
    let words: Vec<_> = escrow.attestations.iter().chain(&escrow.oracles.contradictions).collect();
    // A single word of a single oracle needs no comparing with what was paid.
    let compared = words.len() > 1 || agreement.oracles.keys.len() > 1;
    let table = compared.then(|| agreement.compile().ok()).flatten();
    let read = words.into_iter().filter_map(|(oracle, bytes)| {
        let outcome = gate::stored_outcome(&bytes.0, &agreement.measurement.outcome)?;
        let pays = table.as_ref().and_then(|table| table.at(&outcome));
        Some(Said { oracle: *oracle, bytes, outcome, pays })
    });
    read.collect()
}

/// The first of those that most oracles agree with about what is paid; of equally many the first.
fn most(said: &[Said<'_>]) -> Option<usize> {
    let agree = |one: &Said<'_>| {
        let others = said.iter().filter(|other| other.pays == one.pays);
        others.map(|other| other.oracle).collect::<BTreeSet<_>>().len()
    };
    let by_number = said.iter().map(agree).enumerate();
    by_number.max_by_key(|(place, number)| (*number, std::cmp::Reverse(*place))).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use terms::OutcomeValue;

    use super::*;

    fn most_of(words: &[(usize, Option<u64>)]) -> Option<usize> {
        let bytes = Bytes(Vec::new());
        let outcome = Outcome::Value(OutcomeValue(0));
        let said = |(oracle, pays): &(usize, Option<u64>)| Said {
            oracle: *oracle,
            bytes: &bytes,
            outcome: outcome.clone(),
            pays: pays.map(Sat),
        };
        most(&words.iter().map(said).collect::<Vec<_>>())
    }

    #[test]
    fn one_that_stands_alone_is_not_what_most_pay_however_often_it_speaks() {
        let [lie, truth] = [Some(1), Some(2)];
        assert_eq!(most_of(&[(0, lie), (1, truth), (2, truth)]), Some(1));
        assert_eq!(most_of(&[(0, lie), (1, truth), (2, truth), (0, lie), (0, lie)]), Some(1));
        assert_eq!(most_of(&[(0, truth), (1, lie)]), Some(0));
        assert_eq!(most_of(&[(0, lie), (1, None), (2, truth), (3, None)]), Some(1));
        assert_eq!(most_of(&[]), None);
    }
}
