//! How much the barrier itself costs: a month of probes, one every 15 s, for one participant
//! alone, and then the same while three others, all with a minute's rhythm, take part.
//!
//! `cargo run -p clock --example month_of_probes`

use std::time::Instant;

use clock::Clock;
use clock::barrier::Barrier;

const START: u64 = 1_623_110_400_000;
const PROBES: u64 = 172_800;
const EVERY_MS: u64 = 15_000;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let alone = month(&[]).await?;
    report("alone", PROBES, alone);
    let minutes = PROBES * EVERY_MS / 60_000;
    let others = ["buyer", "provider", "runner"];
    let together = month(&others).await?;
    report("with three others", PROBES + 3 * minutes, together);
    Ok(())
}

async fn month(others: &[&str]) -> std::io::Result<u128> {
    let barrier = Barrier::bind(START).await?;
    let host = barrier.clock().await?;
    let hold = host.busy().await;
    let end = START + PROBES * EVERY_MS;
    let mut tasks = Vec::new();
    let rhythms = others.iter().map(|name| (*name, 60_000));
    for (name, every_ms) in rhythms.chain([("oracle", EVERY_MS)]) {
        let clock = Clock::connect(barrier.addr(), name).await?;
        let busy = clock.busy().await;
        tasks.push(tokio::spawn(tick(clock, busy, every_ms, end)));
    }
    let started = Instant::now();
    drop(hold);
    for task in tasks {
        task.await?;
    }
    Ok(started.elapsed().as_micros())
}

async fn tick(clock: Clock, mut busy: clock::Busy, every_ms: u64, end: u64) {
    while clock.now_ms() < end {
        busy.sleep_until_ms(clock.now_ms() + every_ms).await;
    }
}

fn report(what: &str, advances: u64, micros: u128) {
    let each_ns = micros * 1000 / u128::from(advances);
    println!("{what}: {advances} advances in {} ms, {each_ns} ns each", micros / 1000);
}
