//! Who may say what next: the rules against a second, naive telling of them, over arbitrary sequences.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use negotiation::session::{Move, Negotiation, Proposal, Refusal, Stage, other};
use proptest::prelude::*;
use terms::{Hex32, Side, UnixSeconds};

const NOW: UnixSeconds = UnixSeconds(1_000);
const LATER: UnixSeconds = UnixSeconds(2_000);

fn hash(number: u8) -> Hex32 {
    Hex32([number; 32])
}

fn say(negotiation: &mut Negotiation, by: Side, said: Move) -> Result<(), Refusal> {
    negotiation.say(by, said, NOW, LATER)
}

fn quoted(rounds: u64) -> Negotiation {
    let mut negotiation = Negotiation::asked(rounds);
    say(&mut negotiation, Side::Provider, Move::Quote { terms_hash: hash(1) }).unwrap();
    negotiation
}

#[test]
fn a_buyer_that_takes_the_quote_has_agreed() {
    let mut negotiation = quoted(0);
    assert_eq!(negotiation.turn(), Some(Side::Buyer));
    say(&mut negotiation, Side::Buyer, Move::Accept { terms_hash: hash(1) }).unwrap();
    let agreed = Proposal { by: Side::Provider, terms_hash: hash(1), until: LATER, seq: 2 };
    assert_eq!(negotiation.stage(), Stage::Agreed(agreed));
    assert_eq!(negotiation.turn(), None);
}

#[test]
fn what_the_provider_takes_the_buyer_confirms_and_nothing_else_follows() {
    let mut negotiation = quoted(3);
    say(&mut negotiation, Side::Buyer, Move::Counter { terms_hash: hash(2) }).unwrap();
    say(&mut negotiation, Side::Provider, Move::Accept { terms_hash: hash(2) }).unwrap();
    for (by, said) in [
        (Side::Buyer, Move::Withdraw),
        (Side::Buyer, Move::Counter { terms_hash: hash(3) }),
        (Side::Provider, Move::Counter { terms_hash: hash(3) }),
        (Side::Provider, Move::Accept { terms_hash: hash(2) }),
    ] {
        assert!(matches!(say(&mut negotiation, by, said), Err(Refusal::OutOfTurn { .. })), "{said:?}");
    }
    say(&mut negotiation, Side::Buyer, Move::Accept { terms_hash: hash(2) }).unwrap();
    assert!(matches!(negotiation.stage(), Stage::Agreed(Proposal { by: Side::Buyer, seq: 3, .. })));
}

#[test]
fn an_accept_binds_the_last_proposal_of_the_other_and_no_stale_one() {
    let mut negotiation = quoted(3);
    say(&mut negotiation, Side::Buyer, Move::Counter { terms_hash: hash(2) }).unwrap();
    say(&mut negotiation, Side::Provider, Move::Counter { terms_hash: hash(3) }).unwrap();
    for stale in [1, 2] {
        let refused = say(&mut negotiation, Side::Buyer, Move::Accept { terms_hash: hash(stale) });
        assert_eq!(refused, Err(Refusal::OtherTerms { expected: hash(3), got: hash(stale) }));
    }
    say(&mut negotiation, Side::Buyer, Move::Accept { terms_hash: hash(3) }).unwrap();
}

#[test]
fn a_proposal_whose_time_has_passed_is_not_taken_and_may_still_be_countered() {
    let mut negotiation = quoted(1);
    let accept = Move::Accept { terms_hash: hash(1) };
    let refused = negotiation.say(Side::Buyer, accept, LATER, UnixSeconds(3_000));
    assert_eq!(refused, Err(Refusal::Expired { until: LATER, at: LATER }));
    let counter = Move::Counter { terms_hash: hash(2) };
    negotiation.say(Side::Buyer, counter, LATER, UnixSeconds(3_000)).unwrap();
}

#[test]
fn who_takes_back_its_proposal_may_make_another_and_the_other_may_not() {
    let mut negotiation = quoted(2);
    say(&mut negotiation, Side::Provider, Move::Withdraw).unwrap();
    assert_eq!(negotiation.stage(), Stage::Open(Side::Provider));
    let gone = say(&mut negotiation, Side::Buyer, Move::Accept { terms_hash: hash(1) });
    assert!(matches!(gone, Err(Refusal::OutOfTurn { .. })), "what was taken back cannot be taken");
    assert!(say(&mut negotiation, Side::Buyer, Move::Counter { terms_hash: hash(2) }).is_err());
    say(&mut negotiation, Side::Provider, Move::Counter { terms_hash: hash(2) }).unwrap();
    assert_eq!(negotiation.turn(), Some(Side::Buyer));
}

#[test]
fn counters_are_bounded_by_the_offer_for_each_side() {
    let mut negotiation = quoted(2);
    for number in [2, 4] {
        say(&mut negotiation, Side::Buyer, Move::Counter { terms_hash: hash(number) }).unwrap();
        say(&mut negotiation, Side::Provider, Move::Counter { terms_hash: hash(number + 1) }).unwrap();
    }
    let refused = say(&mut negotiation, Side::Buyer, Move::Counter { terms_hash: hash(6) });
    assert_eq!(refused, Err(Refusal::NoMoreCounters { by: Side::Buyer, rounds: 2 }));
    say(&mut negotiation, Side::Buyer, Move::Reject { is_final: true }).unwrap();
    assert_eq!(negotiation.stage(), Stage::Ended);
}

/// The rules once more, as one would explain them: a list of what was said, and nothing but questions about it.
#[derive(Default)]
struct Told {
    said: Vec<(Side, Move)>,
}

impl Told {
    fn count(&self, by: Side) -> u64 {
        self.said.iter().filter(|(side, said)| *side == by && matches!(said, Move::Counter { .. })).count()
            as u64
    }

    /// Who made the proposal that stands, and its hash.
    fn standing(&self) -> Option<(Side, Hex32)> {
        match self.said.iter().rev().find(|(_, said)| !matches!(said, Move::Accept { .. }))? {
            (by, Move::Quote { terms_hash } | Move::Counter { terms_hash }) => Some((*by, *terms_hash)),
            _ => None,
        }
    }

    fn is_over(&self) -> bool {
        let taken = |(by, said): &(Side, Move)| *by == Side::Buyer && matches!(said, Move::Accept { .. });
        let ended = |(_, said): &(Side, Move)| matches!(said, Move::Cancel | Move::Reject { is_final: true });
        self.said.iter().any(|word| taken(word) || ended(word)) || self.refused_the_question()
    }

    fn refused_the_question(&self) -> bool {
        matches!(self.said.first(), Some((_, Move::Reject { .. })))
    }

    fn allows(&self, by: Side, said: Move, rounds: u64) -> bool {
        if self.is_over() {
            return false;
        }
        let last = self.said.last().map(|(by, said)| (*by, *said));
        let nothing_yet = last.is_none();
        let provider_took = matches!(last, Some((_, Move::Accept { .. })));
        let may_open = match last {
            Some((who, Move::Withdraw)) => by == who,
            Some((who, Move::Reject { is_final: false })) => by == other(who),
            _ => false,
        };
        let stands_for_me = !provider_took && self.standing().is_some_and(|(who, _)| who != by);
        match said {
            Move::Cancel => true,
            Move::Quote { .. } => nothing_yet && by == Side::Provider,
            Move::Reject { .. } => stands_for_me || (nothing_yet && by == Side::Provider),
            Move::Withdraw => !provider_took && self.standing().is_some_and(|(who, _)| who == by),
            Move::Counter { .. } => (stands_for_me || may_open) && self.count(by) < rounds,
            Move::Accept { terms_hash } => {
                let hash = self.standing().map(|(_, hash)| hash);
                hash == Some(terms_hash) && (stands_for_me || (provider_took && by == Side::Buyer))
            }
        }
    }
}

fn any_side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Provider), Just(Side::Buyer)]
}

fn any_move() -> impl Strategy<Value = Move> {
    let any_hash = (0_u8..4).prop_map(hash);
    prop_oneof![
        2 => any_hash.clone().prop_map(|terms_hash| Move::Quote { terms_hash }),
        6 => any_hash.clone().prop_map(|terms_hash| Move::Counter { terms_hash }),
        4 => any_hash.prop_map(|terms_hash| Move::Accept { terms_hash }),
        2 => any::<bool>().prop_map(|is_final| Move::Reject { is_final }),
        1 => Just(Move::Withdraw),
        1 => Just(Move::Cancel),
    ]
}

proptest! {
    /// Two sides and a reader hear the same words. Each allows exactly what the rules allow, what is refused changes
    /// nothing, and all of them stand at the same point after every word.
    #[test]
    fn no_illegal_word_is_taken_and_both_sides_always_agree_where_they_stand(
        rounds in 0_u64..4,
        words in prop::collection::vec((any_side(), any_move()), 0..60),
    ) {
        let (mut provider, mut buyer) = (Negotiation::asked(rounds), Negotiation::asked(rounds));
        let mut told = Told::default();
        // Begin as sessions do, most of the time: otherwise few sequences get anywhere.
        let quote = (Side::Provider, Move::Quote { terms_hash: hash(0) });
        for (by, said) in std::iter::once(quote).chain(words) {
            let before = provider;
            let allowed = told.allows(by, said, rounds);
            prop_assert_eq!(say(&mut provider, by, said).is_ok(), allowed, "{:?} {:?} {:?}", told.said, by, said);
            prop_assert_eq!(say(&mut buyer, by, said).is_ok(), allowed);
            prop_assert_eq!(provider, buyer);
            if allowed { told.said.push((by, said)) } else { prop_assert_eq!(provider, before) }
            prop_assert!(provider.counters(Side::Buyer) <= rounds && provider.counters(Side::Provider) <= rounds);
            let agreed = matches!(provider.stage(), Stage::Agreed(_));
            prop_assert_eq!(agreed, matches!(told.said.last(), Some((Side::Buyer, Move::Accept { .. }))));
        }
    }
}
