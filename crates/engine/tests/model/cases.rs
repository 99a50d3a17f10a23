//! Histories that once broke a rule, and some that must go a certain way.

use terms::Side;

use super::chain::Returned;
use super::deal::Shape;
use super::rules::play;
use super::step::{History, Step};
use super::world::Oracle;

fn honest(steps: Vec<Step>) -> History {
    History { liar: None, steps, present: vec![Side::Provider, Side::Buyer] }
}

fn open(shape: Shape) -> Step {
    Step::Open { shape, value: 0, oracles: [Oracle::Honest; 3] }
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
