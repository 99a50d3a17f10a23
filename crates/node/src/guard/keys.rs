//! Delegated keys: made, rotated, revoked; never more than the owner allows.

use std::collections::BTreeSet;

use mandate::Mandate;
use protocol::owner::{KeyRequest, KeyRequestView, KeySecret, KeyView, Scope};
use serde::{Deserialize, Serialize};
use storage::{KeyRequestRow, KeyRow};
use terms::{DocumentError, Hex32, UnixSeconds, canonical};

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::random;
use crate::ticket::Ticket;

/// So many delegated keys there may be, with those that were revoked.
const MOST_KEYS: usize = 1_000;
/// So many of a key's requests are shown.
const SHOWN_REQUESTS: u64 = 200;
/// So much of an address is kept.
const LONGEST_PATH: usize = 200;

/// A delegated key, as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct DelegatedKey {
    /// The row, of which scopes and limits are read below.
    row: KeyRow,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Its limits; none where it may only read.
    pub limits: Option<Mandate>,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
}

impl DelegatedKey {
    /// From its row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(row: KeyRow) -> Result<Self, NodeError> {
        let damaged = || NodeError::Damaged { what: "delegated key" };
        let scopes = row.scopes.split_whitespace().map(|name| Scope::named(name).ok_or_else(damaged));
        let limits = row.limits.as_deref().map(serde_json::from_str).transpose();
        Ok(Self {
            scopes: scopes.collect::<Result<_, _>>()?,
            limits: limits.map_err(|_| damaged())?,
            revoked_at: row.revoked_at,
            row,
        })
    }

    /// Whether a token is this key's, and good at `now`.
    fn is_opened_by(&self, hash: Hex32, now: u64) -> bool {
        self.row.token_hash == hash && self.revoked_at.is_none() && now < self.row.expires_at
    }

    /// Whether its token has expired at `now`, and was not replaced.
    pub fn is_expired(&self, now: u64) -> bool {
        now >= self.row.expires_at
    }

    pub(super) fn view(&self) -> KeyView {
        KeyView {
            name: self.row.name.clone(),
            scopes: self.scopes.clone(),
            limits: self.limits.as_ref().and_then(|limits| serde_json::to_value(limits).ok()),
            life_s: self.row.life_s,
            created_at: UnixSeconds(self.row.created_at),
            expires_at: UnixSeconds(self.row.expires_at),
            revoked_at: self.revoked_at.map(UnixSeconds),
        }
    }
}

/// What is stored of an answer that has a token: from the salt and the seed the token can be worked out again, so that a
/// repeated request has the same answer, and from the database alone it cannot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptSecret {
    name: String,
    salt: Hex32,
    expires_at: u64,
}

impl KeptSecret {
    fn of(row: &KeyRow, salt: Hex32) -> Self {
        Self { name: row.name.clone(), salt, expires_at: row.expires_at }
    }
}

/// What is kept of a token.
fn token_hash(token: &[u8]) -> Hex32 {
    Hex32(canonical::sha256(token))
}

impl Core {
    /// The delegated key of a token, with what it may do. One that was revoked or has expired is none.
    pub(crate) fn key_of_token(&self, token: &[u8], now: u64) -> Option<(String, BTreeSet<Scope>)> {
        let (hash, now) = (token_hash(token), self.guard.time(now).0);
        let mut keys = self.guard.keys.values();
        let key = keys.find(|key| key.is_opened_by(hash, now))?;
        Some((key.row.name.clone(), key.scopes.clone()))
    }

    /// Makes a delegated key.
    ///
    /// # Errors
    /// When the request breaks a rule, its limits are wider than the owner's, or its name was used before.
    pub(crate) async fn create_key(
        &mut self,
        request: &KeyRequest,
        ticket: &Ticket,
        now: u64,
    ) -> Result<KeptSecret, NodeError> {
        let life_s = request.check()?;
        let limits = request.limits.clone().map(|limits| self.narrower(limits)).transpose()?;
        if self.guard.keys.contains_key(&request.name) {
            return Err(NodeError::Reused { what: "the key's name" });
        }
        if self.guard.keys.len() >= MOST_KEYS {
            return Err(DocumentError::new("name", "there are 1000 keys already, which is the most").into());
        }
        let scopes: BTreeSet<Scope> = request.scopes.iter().copied().chain([Scope::Read]).collect();
        let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
        let limits = limits.map(|limits| serde_json::to_string(&limits));
        let (created_at, salt) = (self.guard.time(now).0, Hex32(random()?));
        let row = KeyRow {
            name: request.name.clone(),
            token_hash: token_hash(self.keys.token(salt).as_bytes()),
            scopes: names.join(" "),
            limits: limits.transpose().map_err(|_| NodeError::Damaged { what: "limits" })?,
            life_s,
            created_at,
            expires_at: created_at.saturating_add(life_s),
            revoked_at: None,
        };
        let kept = KeptSecret::of(&row, salt);
        let answer = ticket.answer(&kept)?;
        let change = Change { new_key: Some(row.clone()), answer, ..Change::default() };
        self.keep_key(row, change, now).await?;
        Ok(kept)
    }

    /// Gives a delegated key another token, for its whole life again. The old one is refused from then on.
    ///
    /// # Errors
    /// When there is no such key, or it was revoked.
    pub(crate) async fn rotate_key(
        &mut self,
        name: &str,
        ticket: &Ticket,
        now: u64,
    ) -> Result<KeptSecret, NodeError> {
        let key = self.guard.keys.get(name).ok_or(NodeError::NotFound { what: "key" })?;
        if key.revoked_at.is_some() {
            return Err(mandate::Refusal::Revoked { name: name.to_owned() }.into());
        }
        let salt = Hex32(random()?);
        let row = KeyRow {
            token_hash: token_hash(self.keys.token(salt).as_bytes()),
            expires_at: self.guard.time(now).0.saturating_add(key.row.life_s),
            ..key.row.clone()
        };
        let kept = KeptSecret::of(&row, salt);
        let answer = ticket.answer(&kept)?;
        let change = Change { changed_key: Some(row.clone()), answer, ..Change::default() };
        self.keep_key(row, change, now).await?;
        Ok(kept)
    }

    /// Takes a delegated key back for ever: its token, its offers, and what it began and is not signed yet. Again changes
    /// nothing.
    ///
    /// # Errors
    /// When there is no such key.
    pub(crate) async fn revoke_key(
        &mut self,
        name: &str,
        ticket: &Ticket,
        now: u64,
    ) -> Result<KeyView, NodeError> {
        let key = self.guard.keys.get(name).ok_or(NodeError::NotFound { what: "key" })?;
        let revoked_at = key.revoked_at.unwrap_or(self.guard.time(now).0);
        let row = KeyRow { revoked_at: Some(revoked_at), ..key.row.clone() };
        let revoked = DelegatedKey::read(row.clone())?;
        let view = revoked.view();
        let answer = ticket.answer(&view)?;
        self.commit(Change { changed_key: Some(row), answer, ..Change::default() }, now).await?;
        tracing::info!(key = name, "a delegated key is revoked");
        self.guard.keys.insert(name.to_owned(), revoked);
        self.look_again();
        Ok(view)
    }

    /// All delegated keys, by name.
    pub(crate) fn key_views(&self) -> Vec<KeyView> {
        self.guard.keys.values().map(DelegatedKey::view).collect()
    }

    /// What a delegated key asked that could change something, the newest first.
    ///
    /// # Errors
    /// When there is no such key, or the database fails.
    pub(crate) async fn requests_of(&self, name: &str) -> Result<Vec<KeyRequestView>, NodeError> {
        if !self.guard.keys.contains_key(name) {
            return Err(NodeError::NotFound { what: "key" });
        }
        let rows = self.store.key_requests(name, SHOWN_REQUESTS).await?;
        let view = |row: KeyRequestRow| KeyRequestView {
            at: UnixSeconds(row.at),
            method: row.method,
            path: row.path,
            status: row.status,
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Notes what a delegated key asked, and how it was answered.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn note_request(
        &mut self,
        key: String,
        method: String,
        path: &str,
        status: u16,
        at: u64,
    ) -> Result<(), NodeError> {
        let path = path.chars().take(LONGEST_PATH).collect();
        let row = KeyRequestRow { at, key, method, path, status };
        self.commit(Change { key_request: Some(row), ..Change::default() }, at).await
    }

    /// Wakes whoever listens to the events: those whose token is good no more are let go.
    fn look_again(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    async fn keep_key(&mut self, row: KeyRow, change: Change, now: u64) -> Result<(), NodeError> {
        let (name, expires_at) = (row.name.clone(), row.expires_at);
        let key = DelegatedKey::read(row)?;
        self.commit(change, now).await?;
        tracing::info!(key = name, expires_at, "a delegated key has a new token");
        self.guard.keys.insert(name, key);
        self.look_again();
        Ok(())
    }

    /// The token of which a secret was kept, for whoever asked for it.
    pub(crate) fn shown_secret(&self, kept: &KeptSecret) -> KeySecret {
        KeySecret {
            name: kept.name.clone(),
            token: self.keys.token(kept.salt),
            expires_at: UnixSeconds(kept.expires_at),
        }
    }

    /// Limits that a key may have: as strict as the owner's, or stricter.
    fn narrower(&self, limits: serde_json::Value) -> Result<Mandate, NodeError> {
        let limits: Mandate = serde_json::from_value(limits)
            .map_err(|error| DocumentError::new("limits", error.to_string()))?;
        limits.validate().map_err(|(field, rule)| DocumentError::new(field, rule))?;
        if limits.max_withdrawal_sat.is_some() || limits.max_withdrawn_per_day_sat.is_some() {
            return Err(DocumentError::new("limits", "a delegated key never withdraws").into());
        }
        match limits.wider_than(&self.config.mandate) {
            None => Ok(limits),
            Some(limit) => {
                let field = format!("limits.{limit}");
                Err(DocumentError::new(field, "must not be wider than the owner's").into())
            }
        }
    }
}
