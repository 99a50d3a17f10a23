//! What the tests of the store share.
#![allow(dead_code, reason = "each test file uses its own part")]

use storage::{NewEnvelope, NewSession, Reservation, Store, StoredEvent};
use tempfile::TempDir;
use terms::Hex32;

pub const NETWORK: &str = "regtest";

/// A store in a folder of its own.
pub async fn store() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path(), NETWORK).await.unwrap();
    (folder, store)
}

pub fn id(tag: u8) -> Hex32 {
    Hex32([tag; 32])
}

pub fn event(seq: u64) -> StoredEvent {
    StoredEvent { seq, at: 100 + seq, name: "offer_made".into(), json: format!("{{\"n\":{seq}}}") }
}

pub fn coin(vout: u32, escrow: Hex32) -> Reservation {
    Reservation { outpoint: format!("{}:{vout}", id(7)), escrow, expires_at: 1_000 }
}

pub fn session(tag: u8) -> NewSession {
    NewSession {
        id: id(tag),
        counterparty: id(200),
        peer_url: None,
        offer_id: Some(id(201)),
        escrow: None,
        announcements: vec![],
        address: None,
    }
}

/// An envelope whose id follows from its place, `ours` and not answered yet.
pub fn envelope(session: u8, seq: u64) -> NewEnvelope {
    NewEnvelope {
        session: id(session),
        seq,
        id: id(session.wrapping_mul(16).wrapping_add(seq as u8)),
        ours: true,
        delivered: false,
        bytes: vec![session, seq as u8],
    }
}

/// Writes to the database beside the store, as a bad disk or a bad program would.
pub async fn tamper(folder: &TempDir, sql: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("earnest.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&pool).await.unwrap();
    pool.close().await;
}
