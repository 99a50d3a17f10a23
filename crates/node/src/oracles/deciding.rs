//! Which attestation tells what an escrow paid by: one of several oracles may have attested something else.

use contract::gate;
use engine::{Bytes, Escrow, SpendKind};
use terms::{Outcome, Sat};

/// What an escrow paid by, or would by what is known so far: an attestation, and the outcome that it says.
///
/// Of several it is the first that pays what the closing transaction paid. Before there is one, it is the first of those
/// that most agree with about what is paid.
pub(crate) fn deciding(escrow: &Escrow) -> Option<(&Bytes, Outcome)> {
    let mut said = said(escrow);
    let decides = if said.len() < 2 { 0 } else { place(escrow, &said) };
    (decides < said.len()).then(|| said.swap_remove(decides))
}

fn said(escrow: &Escrow) -> Vec<(&Bytes, Outcome)> {
    let scale = &escrow.agreement().measurement.outcome;
    let outcome = |bytes: &Bytes| gate::stored_outcome(&bytes.0, scale);
    escrow.words().into_iter().filter_map(|bytes| Some((bytes, outcome(bytes)?))).collect()
}

fn place(escrow: &Escrow, said: &[(&Bytes, Outcome)]) -> usize {
    let Ok(table) = escrow.agreement().compile() else { return 0 };
    let pays: Vec<Option<Sat>> = said.iter().map(|(_, outcome)| table.at(outcome)).collect();
    let paid = match escrow.spend {
        Some((_, SpendKind::Cet { provider_sat, .. }, _)) => Some(provider_sat),
        _ => most(&pays),
    };
    pays.iter().position(|sat| *sat == paid).unwrap_or(0)
}

/// What most of them pay; of equally many the first.
fn most(pays: &[Option<Sat>]) -> Option<Sat> {
    let agree = |sat: &Option<Sat>| pays.iter().filter(|other| *other == sat).count();
    let mut most = pays.first()?;
    for sat in pays {
        if agree(sat) > agree(most) {
            most = sat;
        }
    }
    *most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_stands_alone_is_not_what_most_pay() {
        let [lie, truth] = [Some(Sat(1)), Some(Sat(2))];
        assert_eq!(most(&[lie, truth, truth]), truth);
        assert_eq!(most(&[truth, lie]), truth);
        assert_eq!(most(&[lie, None, truth, None]), None);
        assert_eq!(most(&[]), None);
    }
}
