//! Histories that once broke a rule, and some that must go a certain way.

use engine::Status;
use terms::Side;

use super::chain::Returned;
use super::deal::Shape;
use super::lies::Lie;
use super::rules::play;
use super::step::{History, Step};
use super::world::Oracle;

fn honest(steps: Vec<Step>) -> History {
    History { liar: None, steps, present: vec![Side::Provider, Side::Buyer] }
}

fn open(shape: Shape) -> Step {
    Step::Open { shape, value: 0, oracles: [Oracle::Honest; 3] }
}

fn cheated_by(side: Side, steps: Vec<Step>) -> History {
    History { liar: Some(side), ..honest(steps) }
}

/// Plays a history in which an escrow must be settled as attested in spite of everything.
fn settles(history: &History) {
    let world = play(history).expect("no rule is broken");
    for escrow in world.parties.iter().flat_map(|party| party.escrows.values()) {
        assert_eq!(escrow.noted, Status::Settled, "{} after {history:?}", escrow.opened.side);
    }
}

/// Its coins had been let go, and a reorganisation took the end back: another escrow could have taken them.
#[test]
fn an_escrow_that_a_reorganisation_brings_back_holds_its_coins_again() {
    let steps = vec![
        open(Shape::Both),
        Step::Run(48),
        Step::Reorganise { depth: 6, returned: Returned::Wait, rival: None },
        Step::Tick(Side::Provider),
    ];
    play(&honest(steps)).map(drop).unwrap();
}

/// The provider has the buyer's signatures by then, and with them the funding transaction.
#[test]
fn signatures_that_the_peer_refuses_stay_at_stake() {
    settles(&cheated_by(Side::Provider, vec![open(Shape::Both), Step::Lie(Lie::Cancel, 2), Step::Run(1)]));
}

#[test]
fn a_peer_that_says_it_is_over_does_not_get_locked_coins_let_go() {
    let steps = vec![open(Shape::Both), Step::Run(1), Step::Lie(Lie::Over, 0), Step::Deliver(0)];
    settles(&cheated_by(Side::Buyer, steps));
}

/// Where the buyer pays alone it accepts, otherwise it offers. Its second half arrives when the first has been signed.
#[test]
fn neither_a_second_offer_nor_a_second_accept_is_signed() {
    for shape in [Shape::Both, Shape::BuyerAlone] {
        settles(&cheated_by(Side::Buyer, second_half(shape)));
    }
}

fn second_half(shape: Shape) -> Vec<Step> {
    vec![
        Step::Tick(Side::Provider),
        open(shape),
        Step::Tick(Side::Buyer),
        Step::Deliver(0),
        Step::Deliver(0),
        Step::Tick(Side::Buyer),
        Step::Deliver(0),
        Step::Lie(Lie::Again, 0),
        Step::Deliver(1),
    ]
}

/// The funding deadline passes while the funding is deep; then six blocks and the mempools forget it.
#[test]
fn funding_that_met_its_deadline_is_not_given_up_when_a_reorganisation_takes_it_back() {
    let both = [Step::Tick(Side::Provider), Step::Tick(Side::Buyer)];
    let begin = [open(Shape::Both), Step::Run(6)];
    let taken_back = [Step::Wait(120), Step::Reorganise { depth: 6, returned: Returned::Lost, rival: None }];
    settles(&honest([&begin[..], &both, &taken_back, &both].concat()));
}

/// Fees rise after the agreement: the funding transaction's change and the payouts pay for children.
#[test]
fn what_is_paid_out_is_as_attested_less_own_bumps() {
    let history = honest(vec![open(Shape::Both), Step::Fees(100), Step::Run(48)]);
    settles(&history);
    let world = play(&history).expect("no rule is broken");
    assert!(world.chain.bumps() > 0, "nobody paid more");
}
