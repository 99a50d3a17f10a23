//! The owner's side: nothing is done twice, and the command line shows what there is.

use blackbox::proxy::Verdict;
use blackbox::{Party, Proxy, World, raw, witness};
use protocol::owner::WithdrawalRequest;
use serde_json::{Value, json};
use terms::{Hex32, Sat};

const KEY: &str = "Idempotency-Key";

fn token(party: &Party) -> String {
    std::fs::read_to_string(party.service.data_dir().join("owner-token")).unwrap().trim().to_owned()
}

/// A withdrawal of 10,000 sat to the other party.
async fn withdrawal(world: &World) -> WithdrawalRequest {
    let address = world.provider.address().await.to_string();
    WithdrawalRequest { address, amount_sat: Some(Sat(10_000)), sweep: false, fee_rate_sat_vb: Some(2) }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_idempotency_key_gives_the_same_answer_and_pays_once() {
    let world = World::begin().await;
    let (url, token) = (format!("{}/v1/withdrawals", world.buyer.owner_url()), token(&world.buyer));
    let body = serde_json::to_string(&withdrawal(&world).await).unwrap();
    let headers = [(KEY, "one")];
    let first = raw::post(&url, Some(&token), &headers, &body).await;
    assert_eq!(first.status, 200);
    let second = raw::post(&url, Some(&token), &headers, &body).await;
    assert_eq!((second.status, second.body), (200, first.body));
    assert_eq!(world.bitcoind.mempool().unwrap().len(), 1);

    let other = body.replace("10000", "20000");
    let _ = raw::post(&url, Some(&token), &headers, other).await.problem(422);
    let elsewhere = format!("{}/v1/addresses", world.buyer.owner_url());
    let _ = raw::post(&elsewhere, Some(&token), &headers, "{}").await.problem(422);
    for bad in ["", &"k".repeat(129)] {
        let _ = raw::post(&url, Some(&token), &[(KEY, bad)], body.as_str()).await.problem(400);
    }
    assert_eq!(world.bitcoind.mempool().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_at_once_with_one_idempotency_key_pay_once() {
    let world = World::begin().await;
    let request = withdrawal(&world).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (owner, request) = (world.buyer.owner.clone(), request.clone());
        asked.spawn(async move { owner.withdraw(&request, "at-once").await });
    }
    let txids: Vec<Hex32> = asked.join_all().await.into_iter().map(|answer| answer.unwrap().txid).collect();
    assert_eq!(txids, vec![txids[0]; 8]);
    assert_eq!(world.bitcoind.mempool().unwrap(), [witness::read(txids[0])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_cut_off_by_a_crash_is_paid_once_when_it_is_asked_again() {
    let mut world = World::begin().await;
    let proxy = Proxy::before(world.bitcoind.rpc_addr()).await;
    world.stop("buyer").await;
    world.buyer.use_bitcoind(&proxy.url());
    world.start("buyer").await;
    let request = withdrawal(&world).await;
    for (key, arrives) in [("lost-before", false), ("lost-after", true)] {
        proxy.rule(move |seen| match (seen.says("sendrawtransaction"), arrives) {
            (false, _) => Verdict::Pass,
            (true, false) => Verdict::Swallow,
            (true, true) => Verdict::SwallowAnswer,
        });
        let owner = world.buyer.owner.clone();
        let again = request.clone();
        let asked = tokio::spawn(async move { owner.withdraw(&again, key).await });
        proxy.caught().await;
        world.kill("buyer").await;
        assert!(asked.await.unwrap().is_err(), "the owner never heard");

        proxy.pass();
        world.start("buyer").await;
        let txid = world.buyer.owner.withdraw(&request, key).await.expect("it is asked again").txid;
        world.look().await;
        assert_eq!(
            world.bitcoind.mempool().unwrap(),
            [witness::read(txid)],
            "{key}: one payment and no other"
        );
        world.mine(2);
        world.look().await;
    }
    let out = 700_000 - world.buyer.available_sat().await;
    assert!((20_000..22_000).contains(&out), "two payments of 10,000 and their fees left, and not {out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_asked_twice_with_one_key_is_one_escrow() {
    let mut world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    let request =
        protocol::owner::PurchaseRequest { provider_url: world.provider.peer_url(), offer_id: offer.id };
    let [first, second] = [
        world.buyer.owner.purchase(&request, "once").await,
        world.buyer.owner.purchase(&request, "once").await,
    ];
    assert_eq!(first.unwrap(), second.unwrap());
    world.calm().await;
    assert_eq!(world.buyer.owner.escrows().await.unwrap().len(), 1);
    assert_eq!(world.bitcoind.mempool().unwrap().len(), 1, "one funding transaction");
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_that_an_escrow_holds_are_not_spent_by_their_owner() {
    let mut world = World::begin().await;
    world.mine_by_hand();
    let offer = world.publish(&world.draft()).await;
    // The provider never answers the accept, so that the buyer has reserved and not yet funded.
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    proxy.rule(|seen| if seen.says("\"type\":\"dlc_sign\"") { Verdict::Swallow } else { Verdict::Pass });
    let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    proxy.caught().await;
    world.kill("buyer").await;
    world.kill("provider").await;
    proxy.pass();
    world.start("buyer").await;
    let balance = world.buyer.owner.balance().await.unwrap();
    assert_eq!((balance.available_sat, balance.reserved_sat), (Sat(400_000), Sat(300_000)));
    let address = world.buyer.address().await.to_string();
    let ask = |amount_sat, sweep| WithdrawalRequest {
        address: address.clone(),
        amount_sat,
        sweep,
        fee_rate_sat_vb: Some(2),
    };
    let refused = world.buyer.owner.withdraw(&ask(Some(Sat(450_000)), false), "too-much").await.unwrap_err();
    assert_eq!(refused.status(), Some(422), "{refused}");
    let swept = world.buyer.owner.withdraw(&ask(None, true), "sweep").await.unwrap();
    let tx = witness::on_chain(&world, swept.txid);
    let reserved = world.buyer.coins[1];
    assert!(tx.input.iter().all(|input| input.previous_output != reserved), "the escrow's coin stays");
    assert_eq!(tx.input.len(), 1);
    assert_eq!(world.buyer.escrow(&id).await.state, "signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tells_the_whole_story() {
    let mut world = World::begin().await;
    let draft = world.draft();
    let file = world.provider.service.folder().join("offer.json");
    std::fs::write(&file, serde_json::to_vec(&draft).unwrap()).unwrap();
    let file = file.display().to_string();
    let json = |party: &Party, arguments: &[&str]| -> Value {
        let arguments = [arguments, &["--json"]].concat();
        party.service.json(&arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    };
    let offer = json(&world.provider, &["offer", "publish", &file]);
    let (url, offer_id) = (world.provider.peer_url(), offer["id"].as_str().unwrap().to_owned());
    assert_eq!(json(&world.provider, &["offer", "list"])[0]["id"], offer["id"]);

    let before = json(&world.buyer, &["balance"]);
    let preview = json(&world.buyer, &["buy", &url, &offer_id, "--dry-run"]);
    assert_eq!((&preview["action"], &preview["stake_sat"]), (&json!("lock"), &json!(100_000)));
    assert_eq!(world.buyer.owner.escrows().await.unwrap(), [], "a dry run buys nothing");
    let bought = json(&world.buyer, &["buy", &url, &offer_id]);
    let id = bought["escrow_id"].as_str().unwrap().to_owned();
    world.both_reach(&id, "settled").await;

    let shown = json(&world.buyer, &["escrow", "show", &id]);
    assert_eq!(shown["state"], "settled");
    assert_eq!((&shown["provider_sat"], &shown["buyer_sat"]), (&json!(150_000), &json!(0)));
    assert_eq!(shown["terms_hash"], bought["terms_hash"]);
    assert_eq!(json(&world.provider, &["escrow", "list"])[0]["id"], id.as_str());
    let after = json(&world.buyer, &["balance"]);
    assert!(after["available_sat"].as_u64().unwrap() + 100_000 < before["available_sat"].as_u64().unwrap());

    // What was agreed pays what was paid, by anybody's calculation.
    let agreement = world.buyer.service.folder().join("agreement.json");
    std::fs::write(&agreement, shown["agreement"].to_string()).unwrap();
    let exe = testbed::binary("earnest").unwrap();
    let payout = std::process::Command::new(exe)
        .args(["terms", "payout", "--json", "--outcome", "0"])
        .arg(&agreement)
        .output()
        .unwrap();
    let payout: Value = serde_json::from_slice(&payout.stdout).unwrap();
    assert_eq!((&payout["provider_sat"], &payout["buyer_sat"]), (&json!(150_000), &json!(0)));

    for text in [
        &["balance"][..],
        &["escrow", "list"],
        &["escrow", "show", &id],
        &["transactions"],
        &["offer", "list"],
    ] {
        let output = world.provider.cli(text);
        assert!(output.status.success(), "{text:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{text:?}");
    }
    let unknown = world.provider.cli(&["escrow", "show", &"0".repeat(64)]);
    assert_eq!(unknown.status.code(), Some(1));
    let malformed = world.provider.cli(&["escrow", "show", "nonsense"]);
    assert_eq!(malformed.status.code(), Some(2), "{}", String::from_utf8_lossy(&malformed.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_folder_serves_one_process() {
    let world = World::begin().await;
    let text = std::fs::read_to_string(world.buyer.service.config_file()).unwrap();
    let addr = |party: &Party| party.owner_url().trim_start_matches("http://").to_owned();
    // The same folder and other ports.
    let text = text
        .replace(&addr(&world.buyer), &testbed::free_addr().unwrap().to_string())
        .replace(&world.buyer.peer_addr().to_string(), &testbed::free_addr().unwrap().to_string());
    let file = world.buyer.service.folder().join("second.toml");
    std::fs::write(&file, text).unwrap();
    let exe = testbed::binary("earnest").unwrap();
    let output = std::process::Command::new(exe).args(["serve", "--config"]).arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("another process"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_private_and_a_node_whose_secrets_are_not_does_not_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = World::begin().await;
    world.stop("buyer").await;
    for name in ["seed", "owner-token"] {
        let path = world.buyer.service.data_dir().join(name);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let output = world.buyer.cli(&["serve"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(name), "{said}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    world.start("buyer").await;
}

#[test]
fn with_a_passphrase_the_seed_is_no_good_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let text = "network = \"regtest\"\ndata_dir = \"DATA\"\nowner_listen = \"127.0.0.1:1\"\n\
                peer_listen = \"127.0.0.1:2\"\n[bitcoind]\nurl = \"http://127.0.0.1:3\"\n\
                user = \"u\"\npassword = \"p\"\n[mandate]\nmax_contract_sat = 1\n\
                max_locked_sat = 1\nmax_per_counterparty_sat = 1\n";
    std::fs::write(&config, text.replace("DATA", &folder.path().join("data").display().to_string())).unwrap();
    let init = |passphrase: Option<&str>| {
        let mut command = std::process::Command::new(testbed::binary("earnest").unwrap());
        command.args(["init", "--json", "--config"]).arg(&config).env_remove("EARNEST_PASSPHRASE");
        if let Some(passphrase) = passphrase {
            command.env("EARNEST_PASSPHRASE", passphrase);
        }
        command.output().unwrap()
    };
    let made = init(Some("correct horse"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let key = |output: &std::process::Output| {
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["key"].clone()
    };
    assert_eq!(key(&init(Some("correct horse"))), key(&made), "the same seed again");
    for wrong in [None, Some("battery staple")] {
        let refused = init(wrong);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("passphrase"), "{said}");
    }
}
