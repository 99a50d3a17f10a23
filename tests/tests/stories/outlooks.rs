//! Before anything locks, both sides read what each may get.

use blackbox::World;
use protocol::owner::{NegotiationRequest, OutlookView};
use terms::Sat;

/// The usual offer: 100,000 sat of price, 50,000 of bond. At the target, at two breaches, at the worst, where nothing was
/// measured, and where the oracle stays silent: what the provider gets, its bond included, and the buyer.
const CASES: [(&str, u64, u64); 6] = [
    ("target", 150_000, 0),
    ("breach", 140_000, 10_000),
    ("breach", 100_000, 50_000),
    ("worst", 0, 150_000),
    ("indeterminate", 125_000, 25_000),
    ("refund", 50_000, 100_000),
];

/// Insists on figures and words of the usual terms.
fn tells_all(outlook: Option<&OutlookView>) {
    let OutlookView { text, figures } = outlook.expect("there is an outlook");
    let cases = figures["cases"].as_array().unwrap();
    let told: Vec<(&str, u64, u64)> = cases
        .iter()
        .map(|case| {
            let sat = |side: &str| case[side][0].as_u64().unwrap();
            (case["kind"].as_str().unwrap(), sat("provider_sat"), sat("buyer_sat"))
        })
        .collect();
    assert_eq!(told, CASES);
    has_words(text);
}

fn has_words(text: &str) {
    for words in [
        "At the target the buyer pays the whole price of 100,000 sat.",
        "At 1,001 to 50,000 ppm the buyer pays 90,000 sat of the price and has the rest back.",
        "At 50,001 to 500,000 ppm the buyer pays 50,000 sat of the price and has the rest back.",
        "the buyer has its price back, and 50,000 sat of the provider's bond.",
        "whatever the service did, the buyer pays 75,000 sat of the price",
        "the buyer gets its 100,000 sat back, also for service that was delivered",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

fn printed(party: &blackbox::Party, arguments: &[&str]) -> String {
    let output = party.cli(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_owners_read_the_whole_distribution_before_anything_locks_and_afterwards() {
    let mut world = World::begin().await;
    let file = world.provider.service.folder().join("offer.json");
    std::fs::write(&file, serde_json::to_vec(&world.draft()).unwrap()).unwrap();
    has_words(&printed(&world.provider, &["offer", "publish", file.to_str().unwrap()]));
    let offer = world.provider.owner.offers().await.unwrap().remove(0);
    let id = offer.id.to_string();
    tells_all(world.provider.owner.offer(&id).await.unwrap().unwrap().outlook.as_ref());
    has_words(&printed(&world.provider, &["offer", "show", &id]));
    let url = world.provider.peer_url();
    has_words(&printed(&world.buyer, &["buy", &url, &id, "--dry-run"]));

    // A price that is never met: both have read it, and nothing is locked.
    let mut negotiable = world.draft();
    let range = protocol::SatRange { least: Sat(50_000), most: Sat(110_000) };
    negotiable.negotiable = Some(protocol::Negotiable { price_sat: Some(range), bond_sat: None, rounds: 2 });
    let talked = world.publish(&negotiable).await;
    let request = NegotiationRequest { provider_url: url.clone(), offer_id: talked.id, strategy: None };
    let told = world.buyer.owner.negotiate(&request, &blackbox::fresh_key()).await.unwrap();
    tells_all(told.outlook.as_ref());
    world.calm().await;
    let session = told.id.to_string();
    for party in [&world.buyer, &world.provider] {
        let quoted = party.owner.negotiation(&session).await.unwrap().unwrap();
        tells_all(quoted.outlook.as_ref());
        has_words(&printed(party, &["negotiate", "show", &session]));
    }
    assert_eq!(world.buyer.owner.escrows().await.unwrap(), []);

    // What is bought is told before it is asked for, and stays with the escrow.
    let text = printed(&world.buyer, &["buy", &url, &id]);
    let (before, after) = text.split_at(text.find("The node locks it now").expect("it is bought"));
    has_words(before);
    assert!(!after.contains("refund"), "once");
    let escrow = world.buyer.owner.escrows().await.unwrap().remove(0).id;
    world.both_reach(&escrow, "funded").await;
    for party in [&world.buyer, &world.provider] {
        tells_all(party.escrow(&escrow).await.outlook.as_ref());
        has_words(&printed(party, &["escrow", "show", &escrow]));
    }
}
