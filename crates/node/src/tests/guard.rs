//! What the owner allows, over the real database: counted with what is stored, through restarts and clocks set back.

use engine::{Bytes, Coin, DlcRole, Event, Opened, Status};
use mandate::{Commitment, DAY_S, HOUR_S, Refusal, Stake};
use protocol::owner::{ApprovalState, KeyRequest, Scope};
use terms::{Agreement, Hex32, Sat, Side};

use super::World;
use crate::core::Change;
use crate::error::NodeError;
use crate::node::Node;
use crate::ticket::Ticket;

pub(super) const NOON: u64 = 1_767_268_800;

pub(super) fn agreement() -> Agreement {
    Agreement::parse(include_bytes!("../../../terms/tests/golden/agreement-v1.json")).unwrap()
}

pub(super) fn opened(id: Hex32) -> Event {
    let agreement = agreement();
    let maturity = agreement.measurement.window.end.0 + 600;
    Event::Opened(Box::new(Opened {
        id,
        side: Side::Provider,
        role: DlcRole::Accepter,
        agreement,
        announcements: vec![],
        maturity,
        first_maturity: None,
        temporary_id: id,
        height: 1,
        renews: None,
        sign_by: None,
    }))
}

/// What the escrow of [`opened`] holds.
async fn held(node: &Node) -> u64 {
    let mut core = node.core.lock().await;
    let id = Hex32([250; 32]);
    core.commit(passing(id), 1).await.unwrap();
    crate::peers::lock::committed(core.escrow(id).unwrap()).0
}

/// An escrow that begins and is over: it was committed, and locks nothing.
fn passing(id: Hex32) -> Change {
    let over = Event::Observed { status: Status::Settled, height: 1 };
    Change { events: vec![(id, opened(id)), (id, over)], ..Change::default() }
}

pub(super) fn request(sat: u64) -> Commitment {
    let agreement = agreement();
    Commitment {
        counterparty: agreement.buyer.key,
        stake: Stake::Bond(Sat(sat)),
        fees_sat: Sat(0),
        oracles: agreement.oracles.keys.clone(),
        fee_rate_sat_vb: 2,
        window_s: 60,
        lock_s: 60,
        service: agreement.measurement.target.host(),
        error_budget_ppm: None,
    }
}

/// Asks as an escrow does, and begins it where that is allowed.
async fn begin(node: &Node, number: u8, sat: u64, now: u64) -> Result<(), NodeError> {
    let mut core = node.core.lock().await;
    let id = Hex32([number; 32]);
    core.may_commit(id, Hex32([0; 32]), request(sat), now)?;
    core.commit(passing(id), now).await
}

fn limit(refused: Result<(), NodeError>) -> &'static str {
    match refused.unwrap_err() {
        NodeError::Mandate(refusal) => refusal.limit(),
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ceiling_of_an_hour_survives_restarts_and_a_clock_that_is_set_back() {
    let world = World::begin();
    let node = world.open().await;
    let one = held(&node).await;
    drop(node);
    let more = format!("max_committed_per_hour_sat = {}\nmax_committed_per_day_sat = {}\n", 2 * one, 3 * one);
    let world = World { more, ..world };
    let mut node = world.open().await;
    begin(&node, 1, one, NOON).await.unwrap();
    begin(&node, 2, one, NOON + 10).await.unwrap();
    for now in [NOON + 20, NOON + HOUR_S, NOON - 30 * DAY_S, 0] {
        drop(node);
        node = world.open().await;
        assert_eq!(limit(begin(&node, 3, one, now).await), "max_committed_per_hour_sat", "{now}");
    }
    // Under a clock that was set back it is stamped with the later time.
    begin(&node, 3, one, NOON + HOUR_S + 11).await.unwrap();
    assert_eq!(limit(begin(&node, 4, one, NOON + 2 * HOUR_S).await), "max_committed_per_day_sat");
    drop(node);
    let node = world.open().await;
    assert_eq!(limit(begin(&node, 4, one, NOON + DAY_S).await), "max_committed_per_day_sat");
    begin(&node, 4, one, NOON + DAY_S + 11).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fee_of_a_cancel_counts_with_its_escrow_and_what_ended_unsigned_counts_no_more() {
    let world = World::begin();
    let node = world.open().await;
    let mut core = node.core.lock().await;
    let id = Hex32([250; 32]);
    core.commit(Change::event(id, opened(id)), 1).await.unwrap();
    let one = crate::peers::lock::committed(core.escrow(id).unwrap()).0;
    let history = |core: &crate::core::Core| core.history(None, NOON).unwrap();
    assert_eq!(history(&core).locked(), Sat(one));
    let tx = bitcoin::Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![],
        output: vec![bitcoin::TxOut {
            value: bitcoin::Amount::from_sat(58_500),
            script_pubkey: bitcoin::ScriptBuf::new(),
        }],
    };
    let coin = Coin { outpoint: bitcoin::OutPoint::null(), value_sat: Sat(60_000) };
    let taken = Event::OfferTaken {
        offer: Bytes(vec![]),
        accept: Bytes(vec![]),
        coins: vec![coin],
        funding: bitcoin::OutPoint::null(),
    };
    let cancel = Event::CancelBuilt { tx: crate::chain::bytes(&tx) };
    core.commit(Change { events: vec![(id, taken), (id, cancel)], ..Change::default() }, NOON).await.unwrap();
    assert_eq!(history(&core).locked(), Sat(one + 1_500));
    assert_eq!(history(&core).committed_within(HOUR_S), Sat(1_500), "the rest is older");
    let given_up = Event::Abandoned { reason: "nobody signed".to_owned() };
    core.commit(Change::event(id, given_up), NOON).await.unwrap();
    assert_eq!(history(&core).committed_within(HOUR_S), Sat(0));
}

/// The owner's ceilings and a key's, asked in a fixed sequence that mixes keys, crashes and clock steps in many orders;
/// what is counted is read from the database by hand.
#[tokio::test(flavor = "multi_thread")]
async fn no_mix_of_keys_restarts_and_clock_steps_passes_a_ceiling_of_the_database() {
    let world = World::begin();
    let node = world.open().await;
    let one = held(&node).await;
    drop(node);
    let world = World { more: format!("max_committed_per_hour_sat = {}\n", 5 * one), ..world };
    let mut node = world.open().await;
    let limits = serde_json::json!({
        "max_contract_sat": one, "max_locked_sat": 1_000_000, "max_per_counterparty_sat": 1_000_000,
        "max_committed_per_hour_sat": 2 * one,
    });
    let wish = |name: &str| KeyRequest {
        name: name.to_owned(),
        scopes: [Scope::Provide].into(),
        limits: Some(limits.clone()),
        life_s: None,
    };
    for name in ["shop", "stall"] {
        node.core.lock().await.create_key(&wish(name), &Ticket::default(), NOON).await.unwrap();
    }
    let (mut now, mut begun) = (NOON, 0);
    for step in 0u64..90 {
        now = match step * step % 11 {
            0 => now.saturating_sub(2_000),
            1..=3 => now + 700,
            _ => now + 300,
        };
        if step % 7 == 3 {
            drop(node);
            node = world.open().await;
        }
        let number = u8::try_from(step).unwrap();
        let name = [None, Some("shop"), Some("stall")][usize::try_from(step / 2 % 3).unwrap()];
        node.core.lock().await.act_for(Hex32([number; 32]), name);
        begun += u64::from(begin(&node, number, one, now).await.is_ok());
        let core = node.core.lock().await;
        let rows = core.store.last_commitments(u64::MAX).await.unwrap();
        let latest = rows.iter().map(|row| row.at).max().unwrap();
        assert!(rows.is_sorted_by_key(|row| row.at), "step {step}: time ran backwards");
        let recent = rows.iter().filter(|row| row.at + HOUR_S >= latest);
        let sum = |name: Option<&str>| -> u64 {
            let counted = recent.clone().filter(|row| name.is_none() || row.key.as_deref() == name);
            counted.map(|row| row.sat).sum()
        };
        assert!(sum(None) <= 5 * one, "step {step}");
        assert!(sum(Some("shop")) <= 2 * one && sum(Some("stall")) <= 2 * one, "step {step}");
    }
    assert!((10..80).contains(&begun), "{begun} of 90 were allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_survives_a_restart_is_asked_once_and_is_good_for_one_escrow() {
    let world =
        World { more: "approve_above_sat = 10_000\napprove_within_s = 600\n".to_owned(), ..World::begin() };
    let node = world.open().await;
    // What expired long ago would be forgotten at a start.
    let noon = node.now();
    let terms_hash = agreement().terms_hash();
    let ask = async |node: &Node, number: u8, now: u64| {
        let mut core = node.core.lock().await;
        let asked = core.may_commit(Hex32([number; 32]), terms_hash, request(10_001), now);
        core.asking(asked, None, now).await
    };
    let state = async |node: &Node, now| node.core.lock().await.approval_view(terms_hash, now).unwrap().state;
    for now in [noon, noon + 1] {
        assert!(matches!(ask(&node, 1, now).await, Err(NodeError::NeedsApproval(_))));
    }
    assert_eq!(node.core.lock().await.alarms().await.unwrap().len(), 1);
    drop(node);
    let node = world.open().await;
    assert_eq!(state(&node, noon + 599).await, ApprovalState::Pending);
    assert_eq!(state(&node, noon + 600).await, ApprovalState::Expired);
    let approve = async |node: &Node, now| {
        node.core.lock().await.decide_approval(terms_hash, true, &Ticket::default(), now).await
    };
    assert!(approve(&node, noon + 600).await.is_err(), "its time has passed");
    assert!(ask(&node, 1, noon + 601).await.is_err(), "it is asked again");
    node.core.lock().await.pause(true, &Ticket::default(), noon + 602).await.unwrap();
    let refused = approve(&node, noon + 602).await.unwrap_err();
    assert!(matches!(refused, NodeError::Mandate(Refusal::Paused)), "everything is checked anew: {refused}");
    drop(node);

    let node = world.open().await;
    assert!(approve(&node, noon + 603).await.is_err(), "also paused after a restart");
    node.core.lock().await.pause(false, &Ticket::default(), noon + 604).await.unwrap();
    approve(&node, noon + 604).await.unwrap();
    drop(node);
    let node = world.open().await;
    ask(&node, 1, noon + 605).await.unwrap();
    let begun = Hex32([1; 32]);
    node.core.lock().await.commit(Change::event(begun, opened(begun)), noon + 605).await.unwrap();
    drop(node);
    let node = world.open().await;
    assert_eq!(state(&node, noon + 606).await, ApprovalState::Used);
    ask(&node, 1, noon + 606).await.expect("the escrow that it was used for goes on");
    let again = ask(&node, 2, noon + 606).await;
    assert!(
        matches!(again, Err(NodeError::NeedsApproval(_))),
        "another escrow on the same terms is another question"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_raised_once_when_a_limit_is_nearly_used_up() {
    let world = World::begin();
    let node = world.open().await;
    let one = held(&node).await;
    drop(node);
    let world =
        World { more: format!("max_committed_per_hour_sat = {}\nalarm_at_percent = 50\n", 3 * one), ..world };
    let node = world.open().await;
    let alarms = async |node: &Node, now| {
        node.core.lock().await.watch_limits(now).await.unwrap();
        let alarms = node.core.lock().await.alarms().await.unwrap();
        alarms.iter().filter(|alarm| alarm.detail.contains("max_committed_per_hour_sat")).count()
    };
    begin(&node, 1, one, NOON).await.unwrap();
    assert_eq!(alarms(&node, NOON).await, 0);
    begin(&node, 2, one, NOON).await.unwrap();
    assert_eq!(alarms(&node, NOON).await, 1);
    begin(&node, 3, one, NOON).await.unwrap();
    drop(node);
    let node = world.open().await;
    assert_eq!(alarms(&node, NOON + 1).await, 1, "nothing new");
    assert_eq!(alarms(&node, NOON + HOUR_S + 1).await, 1, "it is free again");
    begin(&node, 4, one, NOON + HOUR_S + 1).await.unwrap();
    begin(&node, 5, one, NOON + HOUR_S + 1).await.unwrap();
    assert_eq!(alarms(&node, NOON + HOUR_S + 1).await, 2, "and nearly used up again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_never_wider_than_its_owner_and_its_token_ends_with_time_rotation_and_revocation() {
    let world = World { more: "max_price_sat = 5_000\n".to_owned(), ..World::begin() };
    let node = world.open().await;
    let limits = |field: &str, value: u64| {
        let mut limits = serde_json::json!({
            "max_contract_sat": 10_000, "max_locked_sat": 10_000, "max_per_counterparty_sat": 10_000,
        });
        limits[field] = value.into();
        KeyRequest {
            name: "shop".to_owned(),
            scopes: [Scope::Buy].into(),
            limits: Some(limits),
            life_s: Some(3_600),
        }
    };
    let (mut core, free) = (node.core.lock().await, Ticket::default());
    for (field, value) in [
        ("max_contract_sat", 1_000_001),
        ("max_locked_sat", 1_000_001),
        ("max_price_sat", 5_001),
        ("max_withdrawal_sat", 1),
        ("max_everything_sat", 1),
    ] {
        let refused = core.create_key(&limits(field, value), &free, NOON).await.unwrap_err();
        assert!(refused.to_string().starts_with("limits"), "{field}: {refused}");
    }
    let first = core.create_key(&limits("max_price_sat", 4_000), &free, NOON).await.unwrap();
    let first = core.shown_secret(&first);
    core.create_key(&limits("max_price_sat", 4_000), &free, NOON).await.expect_err("the name is taken");
    let opens =
        |core: &crate::core::Core, token: &str, now| core.key_of_token(token.as_bytes(), now).is_some();
    assert!(opens(&core, &first.token, NOON + 3_599) && !opens(&core, &first.token, NOON + 3_600));
    let second = core.rotate_key("shop", &free, NOON + 10).await.unwrap();
    let second = core.shown_secret(&second);
    assert!(!opens(&core, &first.token, NOON + 11) && opens(&core, &second.token, NOON + 3_609));
    drop(core);
    drop(node);
    let node = world.open().await;
    let mut core = node.core.lock().await;
    assert!(opens(&core, &second.token, NOON + 12), "a restart changes nothing");
    core.revoke_key("shop", &free, NOON + 13).await.unwrap();
    assert!(!opens(&core, &second.token, NOON + 14));
    core.rotate_key("shop", &free, NOON + 15).await.expect_err("revoked is for ever");
    core.act_for(Hex32([1; 32]), Some("shop"));
    let refused = core.may_commit(Hex32([1; 32]), Hex32([0; 32]), request(1), NOON + 16).unwrap_err();
    assert!(matches!(refused, NodeError::Mandate(Refusal::Revoked { .. })), "{refused}");
}
