//! The node itself: what it is, how its backup stands, and the rotation of its secrets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::{Hex32, UnixSeconds};

use crate::oracle::Successor;
use crate::schema;

/// `GET /v1/info`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Info {
    /// The program's version.
    pub version: String,
    /// The node's identity key (x-only).
    #[schemars(with = "schema::Bytes32")]
    pub key: Hex32,
    /// The chain.
    pub network: String,
    /// The height of the chain's tip, as the wallet knows it.
    pub height: u32,
    /// The node's time.
    #[schemars(with = "schema::UnixSeconds")]
    pub now: UnixSeconds,
    /// Whether that time is simulated.
    pub simulated_time: bool,
    /// How the backup of the escrows stands.
    #[serde(default)]
    pub backup: BackupStatus,
    /// Whether the owner has paused everything: nothing new is committed.
    #[serde(default)]
    pub paused: bool,
}

/// How the backup of the escrows stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupStatus {
    /// In one word.
    pub state: BackupState,
    /// Escrows of which the target lacks something.
    pub escrows_behind: usize,
    /// Escrows whose funding signature waits for the target.
    pub escrows_held: usize,
    /// Why the target did not acknowledge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How the backup of the escrows stands, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackupState {
    /// No target is configured.
    #[default]
    Off,
    /// The target has everything.
    Current,
    /// The target lacks something.
    Behind,
}

/// `GET /v1/oracles` lists these: the oracles of the configuration, and how the keys that they are held to stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OracleView {
    /// Where it is asked.
    pub url: String,
    /// The key that it is held to (x-only).
    #[schemars(with = "schema::Bytes32")]
    pub key: Hex32,
    /// How that key stands.
    pub state: OracleKeyState,
    /// When that was last learned; never where the oracle did not answer yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::UnixSeconds>")]
    pub asked_at: Option<UnixSeconds>,
    /// The keys that took its place, with the statements that both the key before and the new one signed; the last is the
    /// oracle's present one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successors: Vec<Successor>,
    /// The key of which its server says that it is the present one, where that is neither ours nor signed for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub foreign_key: Option<Hex32>,
    /// Escrows that count on this key and whose end is not final.
    pub live_escrows: usize,
}

/// How the key that an oracle is held to stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OracleKeyState {
    /// The oracle did not tell yet.
    Unknown,
    /// It announces with it.
    Current,
    /// Others have taken its place: it announces nothing new. What it announced goes on.
    Succeeded,
    /// Its server has another key, for which nothing that is signed speaks.
    Foreign,
}

/// `POST /v1/identity-rotations` and `POST /v1/token-rotations`, with `{}`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationRequest {}

/// The answer to an identity rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityRotation {
    /// The identity key of the card and of new sessions.
    #[schemars(with = "schema::Bytes32")]
    pub key: Hex32,
    /// The key before it, under which open sessions and escrows go on.
    #[schemars(with = "schema::Bytes32")]
    pub former: Hex32,
    /// The new key's index on its branch of the seed.
    pub index: u32,
}

/// The answer to a token rotation: the new token is in its file and nowhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenRotation {}
