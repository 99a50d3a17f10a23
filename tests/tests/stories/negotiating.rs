//! Price and bond are negotiated: by strategies, by hand, and against somebody who cheats.

use std::sync::Arc;

use axum::http::StatusCode;
use blackbox::proxy::Verdict;
use blackbox::stranger::deliver;
use blackbox::{Party, Proxy, Stranger, World, fresh_key, raw, witness};
use protocol::owner::{CounterRequest, NegotiationRequest, NegotiationState, NegotiationView};
use protocol::{
    Body, BuyerStrategy, Concession, Draft, Envelope, Negotiable, OfferDraft, ProviderStrategy, SatRange,
};
use serde_json::Value;
use terms::{Agreement, Hex32, Sat};

use crate::rogue::Rogue;

/// The usual offer at 100,000 sat; 50,000 to 110,000 may be proposed, and another bond as well.
pub fn negotiable(world: &World) -> OfferDraft {
    let range = |least, most| Some(SatRange { least: Sat(least), most: Sat(most) });
    let negotiable =
        Negotiable { price_sat: range(50_000, 110_000), bond_sat: range(40_000, 60_000), rounds: 6 };
    OfferDraft { negotiable: Some(negotiable), ..world.draft() }
}

/// The same ten minutes later: what owners say by hand waits until the other node looks.
fn unhurried(mut draft: OfferDraft) -> OfferDraft {
    let window = &mut draft.measurement.window;
    for moment in [&mut window.start, &mut window.end, &mut draft.funding_deadline, &mut draft.expires] {
        moment.0 += 600;
    }
    draft
}

/// The same, answered by the provider's node itself: it goes down to 70,000.
pub fn with_strategy(world: &World) -> OfferDraft {
    let strategy = ProviderStrategy {
        reserve_sat: Sat(61_000),
        final_sat: Some(Sat(70_000)),
        concession: Concession::Linear,
        rounds: None,
        seed: None,
    };
    OfferDraft { strategy: Some(strategy), ..negotiable(world) }
}

/// A buyer's strategy that begins at 60,000.
pub fn pays_at_most(maximum_sat: u64) -> Option<BuyerStrategy> {
    let (opening_sat, maximum_sat) = (Some(Sat(60_000)), Sat(maximum_sat));
    Some(BuyerStrategy { opening_sat, maximum_sat, concession: Concession::Linear, rounds: None, seed: None })
}

/// The buyer's node opens a negotiation. Returns its id.
pub async fn start(world: &World, url: &str, offer_id: Hex32, strategy: Option<BuyerStrategy>) -> String {
    let request = NegotiationRequest { provider_url: url.to_owned(), offer_id, strategy };
    world.buyer.owner.negotiate(&request, &fresh_key()).await.unwrap().id.to_string()
}

/// What a peer is told of every refusal.
const REFUSED: &str = "these terms are not taken here";

/// Why a negotiation ended, as one side's owner is told.
async fn ended(party: &Party, id: &str) -> String {
    told(party, id).await.ended.expect("it has ended")
}

async fn told(party: &Party, id: &str) -> NegotiationView {
    party.owner.negotiation(id).await.unwrap().expect("the node knows the negotiation")
}

/// Lets time pass until a party tells this state of a negotiation.
pub async fn reaches(world: &mut World, who: fn(&World) -> &Party, id: &str, state: NegotiationState) {
    let what = format!("a negotiation to be {state:?}");
    world
        .until(&what, async |world| {
            let told = who(world).owner.negotiation(id).await.unwrap();
            told.is_some_and(|told| told.state == state)
        })
        .await;
}

/// The buyer.
pub const BUYER: fn(&World) -> &Party = |world| &world.buyer;
/// The provider.
const PROVIDER: fn(&World) -> &Party = |world| &world.provider;

fn json(output: &std::process::Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What was said, as kinds and prices.
fn words(told: &NegotiationView) -> Vec<(String, Option<u64>)> {
    told.said.iter().map(|said| (said.kind.clone(), said.price_sat.map(|price| price.0))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_strategies_meet_between_their_limits_and_the_escrow_settles_at_that_price() {
    let mut world = World::begin().await;
    let offer = world.publish(&with_strategy(&world)).await;
    let (url, offer_id) = (world.provider.peer_url(), offer.id.to_string());
    let bought = world.buyer.cli(&[
        "buy",
        &url,
        &offer_id,
        "--max-price",
        "90000",
        "--strategy",
        "linear",
        "--open-at",
        "60000",
        "--json",
    ]);
    let bought = json(&bought);
    assert_eq!(bought["state"], "agreed", "{bought}");
    let id = bought["id"].as_str().unwrap().to_owned();
    world.both_reach(&id, "funded").await;
    let price = world.buyer.escrow(&id).await.agreement.price_sat.0;
    assert!((70_000..=90_000).contains(&price), "between the last price and the most that is paid: {price}");
    let [ours, theirs] = [told(&world.buyer, &id).await, told(&world.provider, &id).await];
    assert_eq!(words(&ours), words(&theirs), "both heard the same");
    assert_eq!(ours.version, 2);
    let counters: Vec<_> = words(&ours).into_iter().filter(|(kind, _)| kind == "counter").collect();
    assert!(counters.len() >= 2, "there was something to negotiate: {counters:?}");

    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, price + 50_000, 0).await;

    // Who pays less than the provider goes down to gets the same words as anybody, and no escrow.
    let mut draft = with_strategy(&world);
    draft.strategy = draft.strategy.map(|strategy| ProviderStrategy { seed: Some(7), ..strategy });
    let offer = world.publish(&draft).await.id.to_string();
    let refused = |seed: &str| -> NegotiationView {
        let said = world.buyer.cli(&["buy", &url, &offer, "--max-price", "65000", "--seed", seed, "--json"]);
        assert_eq!(said.status.code(), Some(1));
        serde_json::from_slice(&said.stdout).unwrap()
    };
    let once = refused("9");
    assert_eq!(once.state, NegotiationState::Ended);
    assert_eq!(once.said.last().unwrap().reason, "these terms are not taken here");
    // Where both owners chose their seeds, the same words are said again; with another seed others.
    assert_eq!(words(&once), words(&refused("9")));
    assert_ne!(words(&once), words(&refused("10")));
    assert_eq!(world.buyer.owner.escrows().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_negotiate_by_hand_word_by_word_and_what_is_taken_back_cannot_be_taken() {
    let mut world = World::begin().await;
    let offer = world.publish(&unhurried(negotiable(&world))).await;
    let url = world.provider.peer_url();
    let started = json(&world.buyer.cli(&["negotiate", "start", &url, &offer.id.to_string(), "--json"]));
    let id = started["id"].as_str().unwrap().to_owned();
    reaches(&mut world, BUYER, &id, NegotiationState::OurTurn).await;

    let counter = |party: &Party, price: &str| {
        json(&party.cli(&["negotiate", "counter", &id, "--price-sat", price, "--json"]))
    };
    assert_eq!(counter(&world.buyer, "70000")["state"], "their_turn");
    reaches(&mut world, PROVIDER, &id, NegotiationState::OurTurn).await;
    counter(&world.provider, "90000");
    reaches(&mut world, BUYER, &id, NegotiationState::OurTurn).await;
    let stale = told(&world.buyer, &id).await.standing.unwrap().terms_hash.to_string();
    json(&world.provider.cli(&["negotiate", "withdraw", &id, "--reason", "too low", "--json"]));
    reaches(&mut world, BUYER, &id, NegotiationState::TheirTurn).await;
    let late = world.buyer.cli(&["negotiate", "accept", &id, "--terms-hash", &stale]);
    assert_eq!(late.status.code(), Some(1), "it was taken back");

    counter(&world.provider, "85000");
    reaches(&mut world, BUYER, &id, NegotiationState::OurTurn).await;
    let other = world.buyer.cli(&["negotiate", "accept", &id, "--terms-hash", &stale]);
    assert_eq!(other.status.code(), Some(1), "other terms stand than are meant");
    let outside = world.buyer.cli(&["negotiate", "counter", &id, "--price-sat", "49999"]);
    assert_eq!(outside.status.code(), Some(2), "below what the offer lets anybody propose");
    counter(&world.buyer, "80000");
    reaches(&mut world, PROVIDER, &id, NegotiationState::OurTurn).await;
    json(&world.provider.cli(&["negotiate", "accept", &id, "--json"]));
    world.both_reach(&id, "funded").await;
    assert_eq!(world.buyer.escrow(&id).await.agreement.price_sat, Sat(80_000));
    let kinds: Vec<String> =
        words(&told(&world.provider, &id).await).into_iter().map(|(kind, _)| kind).collect();
    let expected =
        ["rfq", "quote", "counter", "counter", "withdraw", "counter", "counter", "accept", "accept"];
    assert_eq!(kinds[..expected.len()], expected);
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 80_000 + 50_000, 0).await;
}

/// Whoever dies with a counter or its answer on the wire: after the restart the negotiation goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_amid_a_negotiation_it_ends_in_one_escrow_after_the_restart() {
    let mut world = World::begin().await;
    let mut prices = Vec::new();
    for (victim, lost) in [("buyer", false), ("buyer", true), ("provider", false), ("provider", true)] {
        let proxy = Proxy::before(world.provider.peer_addr()).await;
        let offer = world.publish(&with_strategy(&world)).await;
        proxy.rule(move |seen| match (seen.says("\"type\":\"counter\""), victim, lost) {
            (false, ..) => Verdict::Pass,
            // Who waits for an answer dies waiting; who should give it dies before it is asked again.
            (true, "buyer", false) => Verdict::Swallow,
            (true, "buyer", true) => Verdict::SwallowAnswer,
            (true, _, false) => Verdict::Answer(StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
            (true, _, true) => Verdict::Replace(StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
        });
        let id = start(&world, &proxy.url(), offer.id, pays_at_most(90_000)).await;
        match victim {
            "buyer" => proxy.caught().await,
            _ => world.calm().await,
        }
        assert_eq!(told(&world.buyer, &id).await.said.len(), 3, "asked, quoted, countered");
        world.kill(victim).await;
        proxy.pass();
        world.start(victim).await;
        reaches(&mut world, BUYER, &id, NegotiationState::Agreed).await;
        world.calm().await;
        let [ours, theirs] = [told(&world.buyer, &id).await, told(&world.provider, &id).await];
        assert_eq!(words(&ours), words(&theirs), "{victim}, {lost}");
        let places: Vec<u64> = ours.said.iter().map(|said| said.seq).collect();
        assert!(places.iter().copied().eq(1..=places.len() as u64), "each word once: {places:?}");
        let [ours, theirs] = [world.buyer.escrow(&id).await, world.provider.escrow(&id).await];
        assert_eq!(ours.terms_hash, theirs.terms_hash);
        prices.push(ours.agreement.price_sat.0);
        world.both_reach(&id, "funded").await;
        world.both_reach(&id, "settled").await;
    }
    assert!(prices.iter().all(|price| (70_000..=90_000).contains(price)), "{prices:?}");
    assert_eq!(world.provider.owner.escrows().await.unwrap().len(), 4);
}

/// Terms that a stranger may propose, changed as it likes.
fn counter(quoted: &Agreement, change: impl FnOnce(&mut Agreement)) -> Body {
    let mut agreement = Agreement { price_sat: Sat(72_000), ..quoted.clone() };
    change(&mut agreement);
    Body::Counter { agreement: Box::new(agreement) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_that_changes_other_fields_takes_stale_terms_or_repeats_itself_gets_nothing_by_it() {
    let world = World::begin().await;
    let offer = world.publish(&with_strategy(&world)).await;
    let mut liar = Stranger::speaking(7, 2);
    let quoted = liar.quote(&world, offer.id).await;
    let refused = async |liar: &Stranger, body: Body| {
        // A copy says it: what is refused was never said.
        let mut copy = Stranger::speaking(7, 2);
        copy.clone_session(liar);
        let answer = deliver(&world.provider, &copy.next(&world, body).bytes()).await;
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        (answer.status, problem["field"].as_str().unwrap_or_default().to_owned())
    };
    type Change = fn(&mut Agreement);
    let changes: [(&str, Change); 6] = [
        ("fee_rate_sat_vb", |terms| terms.fee_rate_sat_vb = 1),
        ("refund_delay_s", |terms| terms.refund_delay_s += 60),
        ("payout", |terms| terms.payout.indeterminate.price_back_ppm = terms::Ppm(1_000_000)),
        ("provider", |terms| terms.provider.key = Hex32([9; 32])),
        ("price_sat", |terms| terms.price_sat = Sat(49_999)),
        ("bond_sat", |terms| terms.bond_sat = Sat(60_001)),
    ];
    for (field, change) in changes {
        let said = refused(&liar, counter(&quoted, change)).await;
        assert_eq!(said, (400, format!("body.agreement.{field}")));
    }
    let out_of_turn = refused(&liar, Body::Quote { agreement: Box::new(quoted.clone()) }).await;
    assert_eq!(out_of_turn.0, 409, "a buyer quotes nothing");
    let nothing_to_take_back = refused(&liar, Body::Withdraw { reason: String::new() }).await;
    assert_eq!(nothing_to_take_back.0, 409);

    // A counter is answered once, however often it comes.
    let said = liar.next(&world, counter(&quoted, |_| {}));
    let first = deliver(&world.provider, &said.bytes()).await;
    let again = deliver(&world.provider, &said.bytes()).await;
    assert_eq!((first.status, &first.body), (200, &again.body), "the stored answer");
    let theirs = liar.take(&world, &first.body);
    let Body::Counter { agreement } = theirs.body() else { panic!("not a {}", theirs.body().kind()) };
    assert!(agreement.price_sat.0 < 100_000 && agreement.price_sat.0 > 72_000);
    let replayed = liar.again_as_next(&world, &said);
    let answer = deliver(&world.provider, &replayed).await;
    assert_eq!(answer.status, 409, "the same id with other content");

    // Only what stands can be taken.
    for stale in [quoted.terms_hash(), counter_hash(&said)] {
        let (status, field) = refused(&liar, Body::Accept { terms_hash: stale }).await;
        assert_eq!((status, field.as_str()), (409, "terms_hash"));
    }
    assert!(world.provider.owner.escrows().await.unwrap().is_empty(), "nothing has begun");
    let taken = liar.next(&world, Body::Accept { terms_hash: agreement.terms_hash() });
    assert_eq!(deliver(&world.provider, &taken.bytes()).await.status, 204);
    assert_eq!(world.provider.owner.escrows().await.unwrap().len(), 1);
}

fn counter_hash(said: &Envelope) -> Hex32 {
    match said.body() {
        Body::Counter { agreement } => agreement.terms_hash(),
        other => panic!("not a {}", other.kind()),
    }
}

/// The provider's key signs a counter that changes more than the price: the buyer's node ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_counter_changes_another_field_is_left_alone() {
    let mut world = World::begin().await;
    let rogue = Arc::new(Rogue::of(&world.provider));
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    let offer = world.publish(&with_strategy(&world)).await;
    proxy.rule(move |seen| {
        if !seen.says("\"type\":\"counter\"") {
            return Verdict::Pass;
        }
        let sent = Envelope::verify(seen.body).unwrap();
        let Body::Counter { agreement } = sent.body() else { return Verdict::Pass };
        let agreement = Agreement { refund_delay_s: 86_400, ..(**agreement).clone() };
        let draft = Draft {
            v: sent.v(),
            id: Hex32([0x77; 32]),
            session: sent.session(),
            seq: sent.seq() + 1,
            to: sent.from(),
            at: sent.at(),
            expires: sent.expires(),
            prev: Some(sent.hash()),
            body: Body::Counter { agreement: Box::new(agreement) },
        };
        let forged = Envelope::seal(draft, &rogue.identity()).unwrap();
        Verdict::Answer(StatusCode::OK, forged.bytes())
    });
    let id = start(&world, &proxy.url(), offer.id, pays_at_most(90_000)).await;
    reaches(&mut world, BUYER, &id, NegotiationState::Ended).await;
    let ended = told(&world.buyer, &id).await.ended.unwrap();
    assert!(ended.contains("refund_delay_s"), "{ended}");
    assert!(!told(&world.buyer, &id).await.ended_in_own_words, "what is wrong with it may quote it");
    assert!(world.buyer.owner.escrows().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_above_the_mandate_is_never_proposed_nor_taken() {
    let mut world = World::begin().await;
    let url = world.provider.peer_url();
    let offer = world.publish(&with_strategy(&world)).await;
    let id = start(&world, &url, offer.id, pays_at_most(62_000)).await;
    reaches(&mut world, BUYER, &id, NegotiationState::Ended).await;
    let both = [ended(&world.buyer, &id).await, ended(&world.provider, &id).await];
    let knows = |why: &&String| why.contains("the strategy does not take a price of ");
    assert_eq!(both.iter().filter(knows).count(), 1, "whose strategy it was: {both:?}");
    assert_eq!(both.iter().filter(|why| why.contains(REFUSED)).count(), 1, "{both:?}");
    for party in [&world.buyer, &world.provider] {
        let told = told(party, &id).await;
        let own = told.ended.iter().any(|why| why.contains("the strategy does not take"));
        assert_eq!(told.ended_in_own_words, own, "own words are told from the other's: {told:?}");
    }

    world.stop("buyer").await;
    let mandate =
        "max_contract_sat = 1_000_000\nmax_locked_sat = 1_000_000\nmax_per_counterparty_sat = 1_000_000\n";
    world.buyer.use_mandate(&format!("{mandate}max_price_sat = 65_000\n"));
    world.start("buyer").await;
    let id = start(&world, &url, offer.id, pays_at_most(90_000)).await;
    reaches(&mut world, BUYER, &id, NegotiationState::Ended).await;
    let told = self::told(&world.provider, &id).await;
    let own = told.said.iter().filter(|said| said.by == protocol::owner::Role::Buyer);
    let proposed: Vec<u64> = own.filter_map(|said| said.price_sat).map(|price| price.0).collect();
    assert!(!proposed.is_empty() && proposed.iter().all(|price| *price <= 65_000), "{proposed:?}");
    let why = ended(&world.buyer, &id).await;
    assert!(why.contains("max_price_sat: ") && why.contains("65000 allowed"), "the owner is told: {why}");
    let known = serde_json::to_string(&told).unwrap();
    assert!(!known.contains("max_price_sat") && !known.contains("allowed"), "and the peer is not: {known}");

    let by_hand = world.publish(&negotiable(&world)).await;
    let id = start(&world, &url, by_hand.id, None).await;
    reaches(&mut world, BUYER, &id, NegotiationState::OurTurn).await;
    let request = CounterRequest { price_sat: Some(Sat(65_001)), ..CounterRequest::default() };
    let refused =
        world.buyer.owner.negotiation_word(&id, "counter", &request, &fresh_key()).await.unwrap_err();
    assert_eq!(refused.status(), Some(403), "{refused}");
    assert!(world.buyer.owner.escrows().await.unwrap().is_empty());
}

/// The version of the protocol that an escrow was agreed in.
async fn spoken(party: &Party, id: &str) -> u64 {
    told(party, id).await.version
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_different_versions_trade_in_the_lower_one_and_an_unknown_version_is_told_what_is_spoken() {
    let mut world = World::begin().await;
    world.stop("provider").await;
    world.provider.use_lines("max_protocol_version = 1\n");
    world.start("provider").await;
    let refused = world.provider.owner.create_offer(&negotiable(&world), &fresh_key()).await.unwrap_err();
    assert!(refused.to_string().contains("negotiable"), "{refused}");
    let offer = world.publish(&world.draft()).await;
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funded").await;
    assert_eq!(spoken(&world.buyer, &id).await, 1, "the buyer knows 2, the provider 1");

    let mut stranger = Stranger::speaking(5, 2);
    let rfq = stranger.rfq(&world, offer.id);
    let answer = deliver(&world.provider, &rfq.bytes()).await;
    unsupported(&answer, "version 2 is not spoken here, only 1");

    world.stop("provider").await;
    world.provider.use_lines("");
    world.start("provider").await;
    let card = format!("{}/.well-known/earnest.json", world.provider.peer_url());
    let varying = world.publish(&with_strategy(&world)).await;
    let hidden = raw::get(&card, None).await;
    assert!(
        !String::from_utf8_lossy(&hidden.body).contains("negotiable"),
        "version 1 does not know the word"
    );
    let shown = raw::get(&format!("{card}?v=2"), None).await;
    assert!(String::from_utf8_lossy(&shown.body).contains(&varying.id.to_string()));
    let mut later: Value = serde_json::from_slice(&rfq.bytes()).unwrap();
    later["v"] = 3.into();
    let answer = deliver(&world.provider, &serde_json::to_vec(&later).unwrap()).await;
    unsupported(&answer, "version 3 is not spoken here, only 1 and 2");

    // A buyer that keeps to 1 takes the negotiable offer at its price, and does not negotiate.
    world.stop("buyer").await;
    world.buyer.use_lines("max_protocol_version = 1\n");
    world.start("buyer").await;
    let id = world.buy(&varying).await;
    world.both_reach(&id, "funded").await;
    assert_eq!(spoken(&world.provider, &id).await, 1);
    assert_eq!(world.provider.escrow(&id).await.agreement.price_sat, Sat(100_000));
}

fn unsupported(answer: &raw::Answer, detail: &str) {
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, 400, "{problem}");
    assert_eq!(problem["type"], "urn:earnest:problem:unsupported-version");
    assert_eq!(problem["field"], "v");
    assert_eq!(problem["detail"], detail);
}
