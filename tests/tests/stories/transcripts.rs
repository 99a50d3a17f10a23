//! What either party can show to somebody else afterwards.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use blackbox::{Party, World, witness};
use protocol::transcript::TranscriptFile;
use serde_json::Value;
use testbed::Phase;

use crate::negotiating::{BUYER, pays_at_most, reaches, start, with_strategy};

/// What a party exports, written beside its folder.
fn export(party: &Party, id: &str) -> PathBuf {
    let output = party.cli(&["transcript", "export", id]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = party.service.folder().with_extension("transcript.json");
    std::fs::write(&file, output.stdout).unwrap();
    file
}

/// Verified by a binary that talks to no node.
fn verify(file: &Path) -> Output {
    let earnest = testbed::binary("earnest").unwrap();
    Command::new(earnest).args(["transcript", "verify", "--json"]).arg(file).output().unwrap()
}

fn shown(file: &Path) -> Value {
    let output = verify(file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Changes one value of a file, given by its place as the verdict names it, in JSON's own words.
fn tampered(file: &Path, pointer: &str) -> (Option<i32>, String) {
    let mut copy: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let value = copy.pointer_mut(pointer).unwrap_or_else(|| panic!("there is no {pointer}"));
    *value = match value {
        Value::String(text) => {
            let middle = text.len() / 2;
            let other = if &text[middle..=middle] == "0" { "1" } else { "0" };
            format!("{}{other}{}", &text[..middle], &text[middle + 1..]).into()
        }
        Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
        other => panic!("{pointer} is {other}"),
    };
    let path = file.with_extension("tampered.json");
    std::fs::write(&path, serde_json::to_vec(&copy).unwrap()).unwrap();
    let output = verify(&path);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_settlement_both_sides_export_what_a_third_party_verifies_and_nobody_can_change_any_of_it() {
    let mut world = World::begin().await;
    let draft = with_strategy(&world);
    let offer = world.publish(&draft).await;
    let id = start(&world, &world.provider.peer_url(), offer.id, pays_at_most(90_000)).await;
    reaches(&mut world, BUYER, &id, protocol::owner::NegotiationState::Agreed).await;
    world.both_reach(&id, "funded").await;
    let early = shown(&export(&world.buyer, &id));
    assert!(early["funding_txid"].is_string() && early["settlement"].is_null(), "as far as it has come");

    // Down for one minute of ten: half of the price comes back.
    world.pass_until(draft.measurement.window.start.0 + 120).await;
    world.target.set(Phase::Down);
    world.pass_until(draft.measurement.window.start.0 + 180).await;
    world.target.set(Phase::Up);
    world.both_reach(&id, "settled").await;
    let price = world.buyer.escrow(&id).await.agreement.price_sat.0;
    let back = price / 2 + price % 2;
    let witness = witness::paid_out(&world, &id, price - back + 50_000, back).await;

    let files = [export(&world.provider, &id), export(&world.buyer, &id)];
    let [provider, buyer] = [&files[0], &files[1]].map(|file| shown(file));
    assert_eq!(provider, buyer, "both show the same");
    let agreed = world.provider.escrow(&id).await;
    assert_eq!(buyer["agreed"]["terms_hash"], agreed.terms_hash.to_string());
    assert_eq!(buyer["agreed"]["agreement"]["price_sat"], price);
    assert_eq!(buyer["funding_txid"], witness::shown(witness.funding.compute_txid()).to_string());
    assert_eq!(buyer["closing"]["txid"], witness::shown(witness.closing.compute_txid()).to_string());
    assert_eq!(buyer["settlement"]["cet_txid"], buyer["closing"]["txid"]);
    assert_eq!(buyer["settlement"]["buyer_sat"], back);
    assert!(buyer["counters"].as_u64().unwrap() >= 2);

    let bundle: TranscriptFile = serde_json::from_slice(&std::fs::read(&files[1]).unwrap()).unwrap();
    let last = bundle.envelopes.len() - 1;
    for (pointer, place) in [
        ("/offer/price_sat", "offer"),
        ("/offer/negotiable/rounds", "offer.id"),
        ("/envelopes/0/sig", "envelopes[0].sig"),
        ("/envelopes/1/body/agreement/price_sat", "envelopes[1]"),
        ("/envelopes/2/at", "envelopes[2]"),
        (&format!("/envelopes/{last}/body/message_hex"), &format!("envelopes[{last}]")),
        ("/announcements/0", "announcements[0]"),
        ("/funding_tx", "funding_tx"),
        ("/attestations/0", "attestations[0]"),
        ("/closing_tx", "closing_tx"),
        ("/v", "v"),
    ] {
        let (code, said) = tampered(&files[1], pointer);
        assert_eq!(code, Some(1), "{pointer}: {said}");
        assert!(said.contains(&format!("not a true transcript: {place}")), "{pointer}: {said}");
    }
}
