//! The three DLC messages of a peer, held to two contracts: levels, and steps on ten digits.

use std::sync::LazyLock;

use contract::{CheckedAccept, CheckedOffer, limits};

use crate::common::{Draft, Escrow, NOW, TEMPORARY_ID, mutate};

struct Case {
    name: &'static str,
    escrow: Escrow,
    offer: CheckedOffer,
    accept: CheckedAccept,
    sign: Vec<u8>,
}

fn case(name: &'static str, draft: Draft) -> Case {
    let escrow = Escrow::of(draft);
    let offer = escrow.offer();
    let accept = escrow.accept(&offer);
    let sign = escrow.sign(&accept).sign_bytes();
    Case { name, escrow, offer, accept, sign }
}

static CASES: LazyLock<[Case; 2]> =
    LazyLock::new(|| [case("levels", Draft::levels()), case("steps", Draft::default())]);

/// An offer that passes keeps its bytes, and can be accepted or is refused without a panic.
pub fn offer(bytes: &[u8]) -> bool {
    within_bounds(bytes);
    let pass = |case: &Case| {
        let Ok(offer) = case.escrow.receive_offer(bytes) else { return false };
        assert_eq!(offer.bytes(), bytes);
        let again = CheckedOffer::reload(bytes, &case.escrow.deal).expect("what has passed passes again");
        assert_eq!(again.bytes(), bytes);
        let key = case.escrow.accepter.contract_key(TEMPORARY_ID);
        let _ = contract::accept_offer(&offer, case.escrow.accepter.funding(TEMPORARY_ID), &key, NOW);
        true
    };
    CASES.iter().any(pass)
}

/// An accept that passes means the transactions of the one that was signed.
pub fn accept(bytes: &[u8]) -> bool {
    within_bounds(bytes);
    let pass = |case: &Case| {
        let Ok(accept) = case.escrow.receive_accept(bytes, &case.offer) else { return false };
        assert_eq!(accept.bytes(), bytes);
        assert_eq!(accept.transactions(), case.accept.transactions());
        CheckedAccept::reload(bytes, &case.offer).expect("what has passed passes again");
        true
    };
    CASES.iter().any(pass)
}

/// A sign that passes keeps its bytes, and means the transactions of the accept that it signs.
pub fn sign(bytes: &[u8]) -> bool {
    let pass = |case: &Case| {
        let Ok(contract) = contract::gate::sign(bytes, &case.accept, NOW) else { return false };
        assert_eq!(contract.sign_bytes(), bytes);
        assert_eq!(contract.transactions(), case.accept.transactions());
        true
    };
    CASES.iter().any(pass)
}

/// What a message claims of the chain is bounded before anybody is asked about it.
fn within_bounds(bytes: &[u8]) {
    if let Ok(claims) = contract::gate::claims(bytes) {
        assert!(claims.inputs.len() <= limits::MAX_INPUTS);
        assert!(bytes.len() <= limits::MAX_MESSAGE_BYTES);
    }
}

/// The messages themselves, and a few mutants of each kind, which the fuzzer is to go on from.
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let mut random = mutate::Random(11);
    let [levels, steps] = &*CASES;
    for (case, other) in [(levels, steps), (steps, levels)] {
        let (offer, accept) = (case.offer.bytes(), case.accept.bytes());
        let mut mutants = Vec::new();
        for number in 0..MUTANTS {
            let mutant = mutate::offer(&offer, &other.offer.bytes(), &accept, &mut random);
            mutants.push(("offer", number, mutant));
            let mutant = mutate::accept(&accept, &other.accept.bytes(), &mut random);
            mutants.push(("accept", number, mutant));
            mutants.push(("sign", number, mutate::sign(&case.sign, &other.sign, &mut random)));
        }
        let mutants = mutants.into_iter().filter(|(.., mutant)| mutant.bytes.len() <= MOST_BYTES);
        seeds.extend(mutants.map(|(target, number, mutant)| {
            (target, format!("{}-{number}-{}", case.name, mutant.how.replace(' ', "-")), mutant.bytes)
        }));
        seeds.push(("offer", case.name.to_owned(), offer));
        seeds.push(("accept", case.name.to_owned(), accept));
        seeds.push(("sign", case.name.to_owned(), case.sign.clone()));
    }
    seeds
}

/// Mutants of each message of each contract that are kept as seeds, and how long one may be.
const MUTANTS: usize = 6;
const MOST_BYTES: usize = 20_000;
