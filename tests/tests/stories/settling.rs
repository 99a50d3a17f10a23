//! The whole loop: locked, measured, attested, paid to the satoshi.

use bitcoin::Amount;
use blackbox::{Setting, Times, World, credit, step, witness};
use protocol::OfferDraft;
use terms::{EnumScale, Level, LevelPayout, Outcome, OutcomeValue, Sat, Scale, Schedule, Worse};
use testbed::Phase;

/// Takes the service down from the `from`-th second of the window until the `until`-th.
async fn outage(world: &mut World, times: &Times, from: u64, until: u64) {
    world.pass_until(times.start + from).await;
    world.target.set(Phase::Down);
    world.pass_until(times.start + until).await;
    world.target.set(Phase::Up);
}

/// What both sides tell of the attested outcome.
async fn outcome(world: &World, id: &str) -> Outcome {
    let [provider, buyer] = [world.provider.escrow(id).await, world.buyer.escrow(id).await];
    assert_eq!(provider.outcome, buyer.outcome);
    provider.outcome.expect("both have the attestation")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_costs_the_provider_exactly_what_the_schedule_says() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    outage(&mut world, &times, 120, 180).await;
    world.both_reach(&id, "settled").await;

    // 6 of 60 probes failed: 100,000 ppm, above 50,000. Half of the price goes back to the buyer.
    assert_eq!(outcome(&world, &id).await, Outcome::Value(OutcomeValue(100_000)));
    witness::paid_out(&world, &id, 50_000 + 50_000, 50_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failed_probe_of_sixty_is_rounded_up_and_costs_a_tenth() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    outage(&mut world, &times, 300, 310).await;
    world.both_reach(&id, "settled").await;

    // 1 of 60 is 16,666.6 ppm, rounded up; above 1,000. A tenth of the price goes back.
    assert_eq!(outcome(&world, &id).await, Outcome::Value(OutcomeValue(16_667)));
    witness::paid_out(&world, &id, 90_000 + 50_000, 10_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_never_fails_earns_the_price_and_gets_the_bond_back() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    world.both_reach(&id, "settled").await;

    assert_eq!(outcome(&world, &id).await, Outcome::Value(OutcomeValue(0)));
    let witness = witness::paid_out(&world, &id, 150_000, 0).await;
    assert_eq!(witness.closing.output.len(), 1, "the buyer gets nothing, so there is no output for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_never_there_pays_the_buyer_price_and_bond() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    outage(&mut world, &times, 0, 600).await;
    world.both_reach(&id, "settled").await;

    assert_eq!(outcome(&world, &id).await, Outcome::Value(OutcomeValue(1_000_000)));
    witness::paid_out(&world, &id, 0, 150_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oracle_that_was_offline_itself_attests_indeterminate_and_the_agreed_share_is_paid() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    // The target fails and so does the reference: nobody can say whose fault it was.
    world.pass_until(times.start + 60).await;
    world.target.set(Phase::Down);
    world.reference.set(Phase::Down);
    world.pass_until(times.start + 240).await;
    world.target.set(Phase::Up);
    world.reference.set(Phase::Up);
    world.both_reach(&id, "settled").await;

    // 3 of 10 slices are unmeasured, more than the 200,000 ppm that may be: a quarter of the price goes back.
    assert_eq!(outcome(&world, &id).await, Outcome::Indeterminate);
    witness::paid_out(&world, &id, 75_000 + 50_000, 25_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_named_levels_the_oracle_signs_the_levels_name() {
    let mut world = World::begin().await;
    let times = world.times();
    let draft = with_levels(world.draft());
    let id = world.lock_draft(&draft).await;
    outage(&mut world, &times, 0, 60).await;
    world.both_reach(&id, "settled").await;

    // 6 of 60 probes: 100,000 ppm is level `poor`, which pays half of the price back.
    assert_eq!(outcome(&world, &id).await, Outcome::Level("poor".to_owned()));
    witness::paid_out(&world, &id, 100_000, 50_000).await;
}

fn with_levels(mut draft: OfferDraft) -> OfferDraft {
    let levels = [
        ("good", 0, credit(0, 0)),
        ("poor", 1_001, credit(500_000, 0)),
        ("gone", 500_001, credit(1_000_000, 0)),
    ];
    draft.measurement.outcome = Scale::Enum(EnumScale {
        levels: levels
            .map(|(name, from, _)| Level { name: name.to_owned(), from: OutcomeValue(from) })
            .to_vec(),
        indeterminate: "no-data".to_owned(),
        worse: Worse::Higher,
    });
    let payouts = levels.map(|(name, _, credit)| LevelPayout { level: name.to_owned(), credit });
    draft.payout.schedule = Schedule::Levels(payouts.to_vec());
    draft
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ramp_pays_what_its_quantum_says() {
    let mut world = World::begin().await;
    let times = world.times();
    let mut draft = world.draft();
    let mut ramp = step(0, credit(0, 0));
    ramp.ramp_to = Some(credit(960_000, 0));
    // From 0 to all but 4 % of the price at 983,040 = 60 * 2^14, in steps of 2^14; then everything.
    draft.payout.schedule =
        Schedule::Numeric { pieces: vec![ramp, step(983_040, credit(1_000_000, 0))], quantum_bits: 14 };
    let id = world.lock_draft(&draft).await;
    outage(&mut world, &times, 0, 150).await;
    world.both_reach(&id, "settled").await;

    // 15 of 60 probes: 250,000 ppm lies in step 15 of 60 (15 * 16,384 = 245,760), which pays 15/60 of 96 % back.
    witness::paid_out(&world, &id, 76_000 + 50_000, 24_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_bond_the_buyer_funds_alone_and_the_provider_offers() {
    let mut world = World::begin().await;
    let times = world.times();
    let mut draft = world.draft();
    draft.bond_sat = Sat(0);
    let id = world.lock_draft(&draft).await;
    outage(&mut world, &times, 0, 60).await;
    world.both_reach(&id, "settled").await;

    assert!(world.provider.history(&id).await.contains(&"offer_made".to_owned()));
    let witness = witness::paid_out(&world, &id, 50_000, 50_000).await;
    let theirs = |coin| witness.funding.input.iter().any(|input| input.previous_output == coin);
    assert!(!world.provider.coins.iter().copied().any(theirs), "the provider put nothing in");
    assert_eq!(world.provider.available_sat().await, 700_000 + 50_000, "and paid no fee");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_price_the_provider_funds_alone_and_the_buyer_offers() {
    let mut world = World::begin().await;
    let times = world.times();
    let mut draft = world.draft();
    draft.price_sat = Sat(0);
    let pieces = vec![step(0, credit(0, 0)), step(1_001, credit(0, 400_000))];
    draft.payout.schedule = Schedule::Numeric { pieces, quantum_bits: 0 };
    draft.payout.indeterminate = credit(0, 0);
    let id = world.lock_draft(&draft).await;
    outage(&mut world, &times, 0, 60).await;
    world.both_reach(&id, "settled").await;

    assert!(world.buyer.history(&id).await.contains(&"offer_made".to_owned()));
    witness::paid_out(&world, &id, 30_000, 20_000).await;
    assert_eq!(
        world.buyer.available_sat().await,
        700_000 + 20_000,
        "the buyer put nothing in and paid no fee"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_won_can_be_swept_away_and_the_other_wallets_coins_cannot() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    outage(&mut world, &times, 0, 600).await;
    world.both_reach(&id, "settled").await;
    let won = world.buyer.available_sat().await;

    let to = world.provider.address().await;
    let swept = world.buyer.service.json(&["sweep", &to.to_string(), "--fee-rate", "2", "--json"]);
    let swept = swept.expect("`earnest sweep` works");
    let txid = swept["txid"].as_str().and_then(terms::Hex32::parse).expect("it prints the transaction's id");
    let tx = witness::on_chain(&world, txid);
    assert_eq!(tx.output.len(), 1);
    assert_eq!(tx.output[0].script_pubkey, to.script_pubkey());
    let fee = won - tx.output[0].value.to_sat();
    assert!((1..2_000).contains(&fee), "everything but {fee} sat was swept");
    world.pass(70).await;
    assert_eq!(world.buyer.available_sat().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ramp_of_a_thousand_steps_is_signed_sent_and_settled() {
    let coins = vec![Amount::from_sat(1_200_000)];
    let mandate =
        "max_contract_sat = 2_000_000\nmax_locked_sat = 2_000_000\nmax_per_counterparty_sat = 2_000_000\n";
    let [provider_mandate, buyer_mandate] = [mandate.to_owned(), mandate.to_owned()];
    let [provider_coins, buyer_coins] = [coins.clone(), coins];
    let setting =
        Setting { provider_mandate, buyer_mandate, provider_coins, buyer_coins, ..Setting::default() };
    let mut world = World::with(setting).await;
    let times = world.times();
    let mut draft = world.draft();
    draft.price_sat = Sat(1_000_000);
    let mut ramp = step(0, credit(0, 0));
    ramp.ramp_to = Some(credit(960_000, 0));
    // As above with steps of 2^10: 960 of them, each 1,000 sat further.
    draft.payout.schedule =
        Schedule::Numeric { pieces: vec![ramp, step(983_040, credit(1_000_000, 0))], quantum_bits: 10 };
    let id = world.lock_draft(&draft).await;
    outage(&mut world, &times, 0, 10).await;
    world.both_reach(&id, "settled").await;

    // 1 of 60 probes: 16,667 ppm lies in step 16 of 960 (16 * 1,024 = 16,384), which pays 16/960 of 96 % back.
    witness::paid_out(&world, &id, 984_000 + 50_000, 16_000).await;
    let sign = world.buyer.escrow(&id).await.messages.sign.expect("the buyer signed");
    assert!(sign.0.len() > 960 * 162, "a signature for each step");
}
