//! What can happen next, and how histories of it are drawn.

use proptest::prelude::*;
use terms::Side;

use super::chain::Returned;
use super::deal::Shape;
use super::lies::Lie;
use super::world::{BLOCK_S, Oracle, World};

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The buyer takes an offer, about a service of which this will be measured.
    Open { shape: Shape, value: u64, oracles: [Oracle; 3] },
    /// Both live on: they look, talk, and a block comes, so many times ten minutes.
    Run(u8),
    /// One node does one round.
    Tick(Side),
    /// One node does one round, in which it is killed after so many writes and effects.
    Kill(Side, u8),
    /// The node is killed at the next write or effect that a message leads to.
    KillAtNext(Side, u8),
    /// One packet arrives, out of turn perhaps.
    Deliver(u8),
    /// One packet is lost.
    Lose(u8),
    /// One packet will arrive twice.
    Repeat(u8),
    /// So many minutes pass without a block.
    Wait(u8),
    /// A block comes, with those waiting transactions whose bit is set.
    Mine(u8),
    /// So many of the last blocks are replaced, with a rival of what they held perhaps.
    Reorganise { depth: u8, returned: Returned, rival: Option<u8> },
    /// What new transactions pay: so many hundred sat for 1,000 vB.
    Fees(u16),
    /// The mempools of the world forget.
    Forget,
    /// One node is gone for so many hours.
    Offline(Side, u8),
    /// The oracles are gone for so many hours.
    OraclesOffline(u8),
    /// An owner proposes to close an escrow: so many quarters to the provider, good for so many hours.
    Propose(Side, u8, u8),
    /// Who does not keep to the protocol does this; where it is a message, after so many others.
    Lie(Lie, u8),
}

/// A whole history: who lies, what happens, and who is there in the end.
#[derive(Clone, Debug)]
pub struct History {
    pub liar: Option<Side>,
    pub steps: Vec<Step>,
    pub present: Vec<Side>,
}

impl World {
    pub fn take(&mut self, step: &Step) {
        match step {
            Step::Open { shape, value, oracles } => self.open(*shape, *value, *oracles),
            Step::Run(rounds) => self.run(u64::from(*rounds), 1),
            Step::Tick(side) => self.tick(*side),
            Step::Kill(side, lives) => {
                self.parties[*side as usize].lives = Some(u32::from(*lives));
                self.tick(*side);
                self.parties[*side as usize].restart();
            }
            Step::KillAtNext(side, lives) => self.parties[*side as usize].lives = Some(u32::from(*lives)),
            Step::Deliver(which) => self.deliver(usize::from(*which)),
            Step::Lose(which) if !self.wire.is_empty() => {
                self.wire.remove(usize::from(*which) % self.wire.len());
            }
            Step::Repeat(which) if !self.wire.is_empty() => {
                let packet = self.wire[usize::from(*which) % self.wire.len()].clone();
                self.wire.push(packet);
            }
            Step::Lose(_) | Step::Repeat(_) => {}
            Step::Wait(minutes) => self.now += u64::from(*minutes) * 60,
            Step::Mine(takes) => {
                self.now += BLOCK_S;
                let takes = *takes;
                self.chain.mine(self.now, |place| takes >> (place % 8) & 1 == 1);
            }
            Step::Reorganise { depth, returned, rival } => {
                self.reorganise(usize::from(*depth), *returned, rival.map(usize::from));
            }
            Step::Fees(hundreds) => self.chain.going_sat_kvb = u64::from(*hundreds) * 100,
            Step::Forget => self.chain.mempool.clear(),
            Step::Offline(side, hours) => {
                self.parties[*side as usize].offline_until = self.now + u64::from(*hours) * 3_600;
            }
            Step::OraclesOffline(hours) => self.oracles_down_until = self.now + u64::from(*hours) * 3_600,
            Step::Propose(side, quarters, hours) => self.propose(*side, *quarters, *hours),
            Step::Lie(lie, messages) => self.lie(*lie, *messages),
        }
    }
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Provider), Just(Side::Buyer)]
}

fn oracle() -> impl Strategy<Value = Oracle> {
    prop_oneof![
        6 => Just(Oracle::Honest),
        1 => (1u8..14).prop_map(Oracle::Late),
        1 => Just(Oracle::Silent),
        1 => Just(Oracle::Wrong),
        1 => Just(Oracle::TwoFaced),
    ]
}

fn open() -> impl Strategy<Value = Step> {
    let shapes = [Shape::Both, Shape::Both, Shape::BuyerAlone, Shape::ProviderAlone, Shape::TwoOfThree];
    let shape = prop::sample::select(shapes.to_vec());
    let value = prop::sample::select(vec![0, 1_500, 20_000, 1_048_575]);
    (shape, value, [oracle(), oracle(), oracle()]).prop_map(|(shape, value, oracles)| Step::Open {
        shape,
        value,
        oracles,
    })
}

fn reorganise() -> impl Strategy<Value = Step> {
    let returned = prop_oneof![2 => Just(Returned::Wait), 1 => Just(Returned::Lost)];
    (1u8..=6, returned, prop::option::of(any::<u8>())).prop_map(|(depth, returned, rival)| Step::Reorganise {
        depth,
        returned,
        rival,
    })
}

fn lie() -> impl Strategy<Value = Step> {
    let lie = prop::sample::select(vec![
        Lie::Amounts,
        Lie::Terms,
        Lie::Theft,
        Lie::Signature,
        Lie::Session,
        Lie::Cancel,
        Lie::Again,
        Lie::Again,
        Lie::DoubleSpend,
        Lie::DoubleSpend,
        Lie::Fund,
        Lie::Fund,
        Lie::Refund,
        Lie::Close,
        Lie::Over,
    ]);
    (lie, 0u8..4).prop_map(|(lie, messages)| Step::Lie(lie, messages))
}

fn kill() -> impl Strategy<Value = Step> {
    (side(), 0u8..6).prop_map(|(side, lives)| Step::Kill(side, lives))
}

fn kill_at_next() -> impl Strategy<Value = Step> {
    (side(), 0u8..4).prop_map(|(side, lives)| Step::KillAtNext(side, lives))
}

fn offline() -> impl Strategy<Value = Step> {
    (side(), 1u8..16).prop_map(|(side, hours)| Step::Offline(side, hours))
}

/// What can happen between two words of a conversation, which an ordinary round would finish.
fn word() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => side().prop_map(Step::Tick),
        12 => any::<u8>().prop_map(Step::Deliver),
        1 => kill(),
        1 => kill_at_next(),
        1 => any::<u8>().prop_map(Step::Lose),
        1 => any::<u8>().prop_map(Step::Repeat),
        1 => offline(),
        1 => (1u8..120).prop_map(Step::Wait),
        4 => lie(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => open(),
        8 => (1u8..24).prop_map(Step::Run),
        6 => side().prop_map(Step::Tick),
        3 => kill(),
        2 => kill_at_next(),
        8 => any::<u8>().prop_map(Step::Deliver),
        1 => any::<u8>().prop_map(Step::Lose),
        1 => any::<u8>().prop_map(Step::Repeat),
        1 => (1u8..120).prop_map(Step::Wait),
        3 => any::<u8>().prop_map(Step::Mine),
        3 => reorganise(),
        2 => prop::sample::select(vec![0, 15, 30, 100, 1_000, 9_000]).prop_map(Step::Fees),
        1 => Just(Step::Forget),
        2 => offline(),
        1 => (1u8..16).prop_map(Step::OraclesOffline),
        2 => (side(), 0u8..=4, 1u8..12).prop_map(|(side, quarters, hours)| Step::Propose(side, quarters, hours)),
        4 => lie(),
    ]
}

/// Histories that begin with an escrow. A cheat may be gone in the end; an honest party is not.
pub fn history() -> impl Strategy<Value = History> {
    let liar = prop_oneof![Just(None), side().prop_map(Some)];
    let words = prop::collection::vec(word(), 0..16);
    let steps = prop::collection::vec(step(), 1..40);
    (liar, open(), words, steps, 0u8..3).prop_map(|(liar, first, words, steps, end)| {
        let present = match (liar, end) {
            (_, 0 | 1) => vec![Side::Provider, Side::Buyer],
            (Some(liar), _) => vec![super::deal::other(liar)],
            (None, _) => vec![[Side::Provider, Side::Buyer][steps.len() % 2]],
        };
        History { liar, steps: std::iter::once(first).chain(words).chain(steps).collect(), present }
    })
}
