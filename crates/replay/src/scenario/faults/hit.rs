//! Who is hit by a fault, and what is cut.

use super::super::cast::{Cast, Place};

/// A process that a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Victim {
    /// An oracle, or a vantage.
    Place(Place),
    /// The provider's node.
    Provider,
    /// The buyer's node.
    Buyer,
    /// The Bitcoin node that both look at.
    Bitcoind,
}

impl Victim {
    /// The word for it in a scenario.
    pub fn name(self, cast: &Cast) -> &str {
        match self {
            Self::Place(place) => cast.name(place),
            Self::Provider => "provider",
            Self::Buyer => "buyer",
            Self::Bitcoind => "bitcoind",
        }
    }

    /// Everybody whom a fault can hit.
    pub fn all(cast: &Cast) -> impl Iterator<Item = Self> + use<> {
        cast.places().map(Self::Place).chain([Self::Provider, Self::Buyer, Self::Bitcoind])
    }
}

/// What two processes reach each other by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Line {
    /// What the two nodes say to each other.
    BuyerProvider,
    /// What a node asks the oracle of this number.
    ToOracle(Victim, usize),
    /// What a node asks its Bitcoin node.
    ToBitcoind(Victim),
    /// What the vantage of the first number reports to the oracle of the second.
    Report(usize, usize),
}

impl Line {
    /// Both ends, in words.
    pub fn words(self, cast: &Cast) -> String {
        let oracle = |number| cast.name(Place::Oracle(number));
        match self {
            Self::BuyerProvider => "buyer and provider".to_owned(),
            Self::ToOracle(who, number) => format!("{} and {}", who.name(cast), oracle(number)),
            Self::ToBitcoind(who) => format!("{} and its Bitcoin node", who.name(cast)),
            Self::Report(vantage, number) => {
                format!("{} and {}", cast.name(Place::Vantage(vantage)), oracle(number))
            }
        }
    }

    /// Every line, by the word for it in a scenario.
    pub(super) fn all(cast: &Cast) -> Vec<(String, Self)> {
        let nodes = [("buyer", Victim::Buyer), ("provider", Victim::Provider)];
        let mut lines = vec![("buyer-provider".to_owned(), Self::BuyerProvider)];
        for number in 0..cast.oracles() {
            let oracle = cast.name(Place::Oracle(number));
            lines.extend(nodes.map(|(who, node)| (format!("{who}-{oracle}"), Self::ToOracle(node, number))));
            lines.extend((0..cast.vantages()).map(|vantage| {
                let name = cast.name(Place::Vantage(vantage));
                (format!("{name}-{oracle}"), Self::Report(vantage, number))
            }));
        }
        lines.extend(nodes.map(|(who, node)| (format!("{who}-bitcoind"), Self::ToBitcoind(node))));
        lines
    }
}
