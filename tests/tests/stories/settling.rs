//! The whole loop: locked, measured, attested, paid to the satoshi.

use blackbox::{World, witness};
use testbed::Phase;

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_costs_the_provider_exactly_what_the_schedule_says() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;

    world.pass_until(times.start + 120).await;
    world.target.set(Phase::Down);
    world.pass_until(times.start + 180).await;
    world.target.set(Phase::Up);
    world.both_reach(&id, "settled").await;

    // 6 of 60 probes failed: 100,000 ppm, above 50,000. Half of the price goes back to the buyer.
    witness::paid_out(&world, &id, 50_000 + 50_000, 50_000).await;
}
