//! One line for each movement of money: they tell what the chain tells, and whatever is done to an exported file is found.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use blackbox::{Mortal, Party, World, fresh_key};
use protocol::owner::{CloseRequest, WithdrawalRequest};
use receipts::{Movement, Payee, Purpose, Record, verify};
use terms::{Hex32, Sat};

/// Exports with the command line, into a file of this story.
fn exported(party: &Party, arguments: &[&str]) -> (PathBuf, String) {
    let told = party.cli(&[&["receipts", "export"], arguments].concat());
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let file = party.service.folder().join("receipts.jsonl");
    std::fs::write(&file, &told.stdout).unwrap();
    (file, String::from_utf8(told.stdout).unwrap())
}

/// What the command line says of a file, without a node.
fn verified(file: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(testbed::binary("earnest").unwrap());
    command.args(["receipts", "verify"]).arg(file).args(arguments).output().unwrap()
}

fn movements(text: &str) -> Vec<Movement> {
    let lines = text.lines().filter_map(|line| match Record::parse(line) {
        Some(Record::Receipt(line)) => Some(line.opening.expect("it is open").movement),
        _ => None,
    });
    lines.collect()
}

/// What was moved for an escrow: purpose, payee and amount, without fees.
fn of_escrow(text: &str, id: &str) -> Vec<(Purpose, Payee, u64)> {
    let own = movements(text).into_iter().filter(|line| line.escrow == Hex32::parse(id));
    let told = own.filter(|line| line.purpose != Purpose::Fee && line.corrects.is_none());
    told.map(|line| (line.purpose, line.paid_to, line.sat.0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_a_settled_a_refunded_and_a_closed_escrow_verify_and_one_flipped_byte_is_found() {
    let mut world = World::begin().await;
    let (settled, _) = world.lock().await;
    world.both_reach(&settled, "settled").await;
    let (closed, times) = world.lock().await;
    world.pass_until(times.start).await;
    let request = CloseRequest { provider_sat: Some(Sat(0)), valid_s: Some(600), reason: String::new() };
    world.provider.owner.close(&closed, &request, &fresh_key()).await.unwrap();
    world.both_reach(&closed, "closed").await;
    let (refunded, _) = world.lock().await;
    world.kill("oracle").await;
    world.both_reach(&refunded, "refunded").await;
    let withdrawal = WithdrawalRequest {
        address: world.provider.address().await.to_string(),
        amount_sat: Some(Sat(20_000)),
        sweep: false,
        fee_rate_sat_vb: Some(2),
    };
    world.buyer.owner.withdraw(&withdrawal, &fresh_key()).await.unwrap();
    world.pass(620).await;

    let (provider, buyer) = (Payee::Party(world.provider.key), Payee::Party(world.buyer.key));
    for (party, stake) in [(&world.provider, 50_000), (&world.buyer, 100_000)] {
        let (file, text) = exported(party, &[]);
        let told = verified(&file, &["--key", &party.key.to_string()]);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
        assert!(verify(&text, &[party.key]).batches >= 1, "signed every ten minutes");
        let funding = (Purpose::Funding, Payee::Contract, stake);
        let paid = |purpose, payee: &Payee, sat| (purpose, payee.clone(), sat);
        assert_eq!(
            of_escrow(&text, &settled),
            [funding.clone(), paid(Purpose::Settlement, &provider, 150_000)]
        );
        assert_eq!(of_escrow(&text, &closed), [funding.clone(), paid(Purpose::Close, &buyer, 150_000)]);
        assert_eq!(
            of_escrow(&text, &refunded),
            [funding, paid(Purpose::Refund, &provider, 50_000), paid(Purpose::Refund, &buyer, 100_000)]
        );
        let proof = movements(&text).into_iter().find(|line| line.purpose == Purpose::Settlement).unwrap();
        let view = party.escrow(&settled).await;
        assert_eq!((proof.txid, proof.terms_hash), (view.closing_txid, Some(view.terms_hash)));
        let attestation = Hex32(terms::canonical::sha256(&view.attestations[0].0));
        assert_eq!(proof.attestation, Some(attestation));

        let mut bytes = text.into_bytes();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let told = verified(&file, &[]);
        assert_eq!(told.status.code(), Some(1));
        let line = bytes[..middle].iter().filter(|byte| **byte == b'\n').count() + 1;
        let said = String::from_utf8(told.stdout).unwrap();
        assert!(said.starts_with(&format!("line {line}: ")), "{said}");
    }
    let (_, text) = exported(&world.buyer, &[]);
    let left: u64 = movements(&text).iter().filter(|line| line.escrow.is_none()).map(|line| line.sat.0).sum();
    let history = world.buyer.owner.transactions().await.unwrap();
    let sent = history.iter().find(|tx| tx.purpose.as_deref() == Some("withdrawal")).unwrap();
    assert_eq!(left, sent.sent_sat.0 - sent.received_sat.0, "the payment and its fee");

    let (file, one) = exported(&world.buyer, &["--open", "0"]);
    assert_eq!(verify(&one, &[world.buyer.key]).open, 1, "{}", file.display());
    let (_, table) = exported(&world.buyer, &["--csv"]);
    assert_eq!(table.lines().count(), movements(&text).len() + 1);
}

/// The refund's two lines stand once, after they were written, taken back and written again.
pub(crate) fn tell_of_a_refund_that_was_taken_back(party: &Party, id: &str) {
    let (_, text) = exported(party, &[]);
    assert_eq!(verify(&text, &[party.key]).findings, []);
    let lines = movements(&text).into_iter().filter(|line| line.escrow == Hex32::parse(id));
    let refunds: Vec<bool> =
        lines.filter(|line| line.purpose == Purpose::Refund).map(|line| line.corrects.is_some()).collect();
    assert_eq!(refunds, [false, false, true, true, false, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_around_the_commit_of_a_payout_tells_of_it_once() {
    for point in ["commit.within:settled#1", "commit.after:settled#1"] {
        let mut mortal = Mortal::doomed(World::begin().await, "buyer", point).await;
        let draft = mortal.world.draft();
        let offer = mortal.publish(&draft).await;
        let id = mortal.buy(&offer).await;
        mortal.both_reach(&id, "settled").await;
        assert!(!mortal.is_doomed(), "{point}: it died there");
        let (buyer, provider) = (&mortal.world.buyer, mortal.world.provider.key);
        let (_, text) = exported(buyer, &[]);
        assert_eq!(verify(&text, &[buyer.key]).findings, [], "{point}");
        let told = of_escrow(&text, &id);
        let payout = (Purpose::Settlement, Payee::Party(provider), 150_000);
        assert_eq!(told, [(Purpose::Funding, Payee::Contract, 100_000), payout], "{point}");
    }
}
