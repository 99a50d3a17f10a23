//! Who offers and who accepts.
//!
//! The buyer offers and the provider accepts. Where one side funds alone it is the one that accepts: a
//! sole funder that offers could broadcast after the accept, without ever giving its signatures.

use terms::{Agreement, Sat, Side};

/// The two roles of the DLC protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sends offer and sign.
    Offerer,
    /// Sends accept, completes and broadcasts the funding transaction.
    Accepter,
}

/// The side that offers: the buyer, except where the buyer funds alone.
pub fn offerer_side(agreement: &Agreement) -> Side {
    if agreement.bond_sat.0 == 0 { Side::Provider } else { Side::Buyer }
}

/// The role of a side.
pub fn role_of(agreement: &Agreement, side: Side) -> Role {
    if offerer_side(agreement) == side { Role::Offerer } else { Role::Accepter }
}

/// The side that plays a role.
pub fn side_of(agreement: &Agreement, role: Role) -> Side {
    let offerer = offerer_side(agreement);
    match (role, offerer) {
        (Role::Offerer, side) => side,
        (Role::Accepter, Side::Buyer) => Side::Provider,
        (Role::Accepter, Side::Provider) => Side::Buyer,
    }
}

/// What a side locks: the buyer the price, the provider the bond.
pub fn side_collateral(agreement: &Agreement, side: Side) -> Sat {
    match side {
        Side::Provider => agreement.bond_sat,
        Side::Buyer => agreement.price_sat,
    }
}
