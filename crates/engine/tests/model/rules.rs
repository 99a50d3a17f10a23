//! What must hold after every step, and what must hold in the end, for whoever keeps to the protocol.

use bitcoin::{OutPoint, Txid};
use engine::{Escrow, status};
use terms::{Hex32, Sat, Side};

use super::chain::{Owner, Tx, What};
use super::deal::CLOSING_FEE;
use super::party::{Party, txid};
use super::step::History;
use super::world::World;

/// So many chances to settle are enough: rounds of a node, each with a block after it.
const ENOUGH: u32 = 3;

/// Plays a history. Says after which step which rule was broken.
///
/// # Errors
/// The first rule that is broken.
pub fn play(history: &History) -> Result<World, String> {
    let mut world = World::new(history.liar);
    for (number, step) in history.steps.iter().enumerate() {
        world.take(step);
        always(&world).map_err(|rule| format!("after step {number}, {step:?}: {rule}"))?;
    }
    world.finish(&history.present);
    always(&world).map_err(|rule| format!("in the end: {rule}"))?;
    for side in &history.present {
        if world.liar != Some(*side) {
            ended(&world, *side).map_err(|rule| format!("in the end, {side}: {rule}"))?;
        }
    }
    Ok(world)
}

fn honest(world: &World) -> impl Iterator<Item = &Party> {
    world.parties.iter().filter(|party| world.liar != Some(party.side))
}

fn always(world: &World) -> Result<(), String> {
    if world.chain.total_sat() != world.supply {
        return Err("money came from nowhere, or went there".to_owned());
    }
    for party in honest(world) {
        if let Some(broken) = &party.broken {
            return Err(format!("{}: {broken}", party.side));
        }
        reserved(party)?;
        signed(world, party)?;
        spent(world, party)?;
    }
    Ok(())
}

/// Every coin of an escrow that lives is set aside for it alone; those of the others are free.
fn reserved(party: &Party) -> Result<(), String> {
    let reserved = &party.disk.reserved;
    for escrow in party.escrows.values() {
        let lives = !escrow.noted.is_final() && escrow.abandoned.is_none();
        for coin in &escrow.coins {
            let holder = reserved.get(&coin.outpoint);
            if lives && holder != Some(&escrow.id()) {
                return Err(format!(
                    "{}: a coin of escrow {} is held for {holder:?}",
                    party.side,
                    name(escrow)
                ));
            }
            if !lives && holder == Some(&escrow.id()) {
                return Err(format!("{}: a coin of the ended escrow {} is held", party.side, name(escrow)));
            }
        }
    }
    Ok(())
}

/// One contract an escrow, with the agreed amounts, and of the own coins only those set aside for it.
fn signed(world: &World, party: &Party) -> Result<(), String> {
    for (id, signed) in &party.signed {
        if signed.len() > 1 {
            return Err(format!("{} signed {} contracts of one escrow", party.side, signed.len()));
        }
        for txid in signed {
            let tx = &world.chain.known[txid];
            let (deal, escrow) = (&world.deals[id], &party.escrows[id]);
            let locked = tx.outputs[0].sat;
            let own = |input: &&OutPoint| owner(world, input) == Some(Owner::Party(party.side));
            let inputs: Vec<OutPoint> = tx.inputs.iter().filter(own).copied().collect();
            let agreed: Vec<OutPoint> = escrow.coins.iter().map(|coin| coin.outpoint).collect();
            let paid = sum(world, &inputs) - to(party.side, tx);
            let right = locked == deal.agreement.total_sat().0 + CLOSING_FEE
                && inputs == agreed
                && paid == deal.need(party.side);
            if !right {
                return Err(format!("{} signed something else than was agreed: {tx:?}", party.side));
            }
        }
    }
    Ok(())
}

/// Nothing in a block spends a party's coins but what it signed.
fn spent(world: &World, party: &Party) -> Result<(), String> {
    for (_, id) in &world.chain.confirmed {
        let tx = &world.chain.known[id];
        let owned = tx.inputs.iter().any(|input| owner(world, input) == Some(Owner::Party(party.side)));
        let own = match tx.what {
            What::Funding(escrow) => party.signed.get(&escrow).is_some_and(|signed| signed.contains(id)),
            What::Bump => bumped(party, *id, tx.fee),
            What::Own => party.escrows.values().any(|it| it.cancel.as_ref().map(txid) == Some(*id)),
            What::Coins | What::Cet { .. } | What::Refund | What::Close { .. } => false,
        };
        if owned && !own {
            return Err(format!("{} never signed {tx:?}", party.side));
        }
    }
    Ok(())
}

/// Whether the engine decided on a child, at this very fee.
fn bumped(party: &Party, id: Txid, fee: u64) -> bool {
    let mut bumps = party.escrows.values().flat_map(|escrow| &escrow.bumps);
    bumps.any(|bump| txid(&bump.tx) == id && bump.fee_sat.0 == fee)
}

/// What a party's own bumps took of its outputs is known to it, and at most half of each.
fn less_own_bumps(world: &World, party: &Party) -> Result<(), String> {
    let mut cost = 0;
    for (_, id) in &world.chain.confirmed {
        let tx = &world.chain.known[id];
        let own = tx.inputs.iter().all(|input| owner(world, input) == Some(Owner::Party(party.side)));
        if tx.what == What::Bump && own {
            cost += tx.fee;
            let rescued = sum(world, &tx.inputs);
            if tx.fee > rescued / 2 || to(party.side, tx) + tx.fee != rescued {
                return Err(format!("a child takes {} of {rescued} sat", tx.fee));
            }
        }
    }
    let counted: u64 = party.escrows.values().map(|escrow| escrow.bump_fees().0).sum();
    if cost <= counted { Ok(()) } else { Err(format!("children cost {cost} sat, counted are {counted}")) }
}

/// Every escrow has ended, every coin is free, and whoever had its chances got what was attested.
fn ended(world: &World, side: Side) -> Result<(), String> {
    let party = world.party(side);
    for escrow in party.escrows.values() {
        let view = party.view(escrow.id(), &world.chain);
        let status = status(escrow, &view, world.now);
        if !status.is_final() {
            return Err(format!("escrow {} never ends: {status:?}, {view:?}", name(escrow)));
        }
        paid(world, escrow, side)?;
    }
    less_own_bumps(world, party)?;
    match party.disk.reserved.len() {
        0 => Ok(()),
        coins => Err(format!("{coins} coins are never free again")),
    }
}

fn paid(world: &World, escrow: &Escrow, side: Side) -> Result<(), String> {
    let id = escrow.id();
    let chances = world.chances.get(&(id, side as u8)).copied().unwrap_or(0);
    if chances < ENOUGH || world.raced.contains(&id) || is_cheated(world, escrow) {
        return Ok(());
    }
    let deal = &world.deals[&id];
    let sides = [Side::Provider, Side::Buyer];
    let agreed: Vec<u64> = sides.into_iter().filter_map(|side| world.agreed_value(id, side)).collect();
    let spender = |funding| world.chain.spender(&funding).map(|txid| world.chain.known[&txid].what);
    let paid = escrow.funding.and_then(spender);
    let attested = |value: &u64| escrow.funding.is_some_and(|it| paid == Some(deal.cet(it, *value).what));
    let no_less = |provider_sat: u64| {
        let own = |provider_sat| escrow.own_part(Sat(provider_sat));
        let word = world.party(side).words.contains(&(id, provider_sat));
        word || agreed.iter().any(|value| own(provider_sat) >= own(deal.provider_sat(*value)))
    };
    let closed = matches!(paid, Some(What::Close { provider_sat, .. }) if no_less(provider_sat));
    if closed || agreed.iter().any(attested) {
        return Ok(());
    }
    Err(format!("after {chances} chances, escrow {} paid {paid:?}; attested was {agreed:?}", name(escrow)))
}

/// Whether the cheat spent a coin elsewhere that the funding transaction needs, and a reorganisation let that win.
fn is_cheated(world: &World, escrow: &Escrow) -> bool {
    let inputs = escrow.funding.map(|funding| &world.chain.known[&funding.txid].inputs);
    let spenders = inputs.into_iter().flatten().filter_map(|input| world.chain.spender(input));
    let elsewhere = spenders.filter(|txid| world.chain.known[txid].what == What::Own);
    elsewhere.into_iter().any(|txid| {
        let owner = owner(world, &world.chain.known[&txid].inputs[0]);
        world.liar.is_some() && owner == world.liar.map(Owner::Party)
    })
}

fn owner(world: &World, outpoint: &OutPoint) -> Option<Owner> {
    world.chain.output(outpoint).map(|output| output.owner)
}

fn sum(world: &World, outpoints: &[OutPoint]) -> u64 {
    outpoints.iter().filter_map(|outpoint| world.chain.output(outpoint)).map(|output| output.sat).sum()
}

fn to(side: Side, tx: &Tx) -> u64 {
    let own = tx.outputs.iter().filter(|output| output.owner == Owner::Party(side));
    own.map(|output| output.sat).sum()
}

fn name(escrow: &Escrow) -> u8 {
    let Hex32(id) = escrow.id();
    id[0]
}
