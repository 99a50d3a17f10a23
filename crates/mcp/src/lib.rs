//! What an agent can do with a node, as tools of the Model Context Protocol: look for offers, weigh one, haggle, buy, see
//! how it goes, close, read receipts and limits.
//!
//! Two doors lead to the same tools: [`serve_stdio`] for a client that starts this program itself, and [`router`] (streamable
//! HTTP) for one that reaches a running node. Behind both stands a delegated key of the node (`earnest key`), never the
//! owner's token, and every tool asks the owner's API with that key. What the key may do is decided there and nowhere else:
//! this crate has no limit of its own to get wrong, and no way around those.
//!
//! Its readers are language models, and what peers write may be meant to steer them. So text of a peer stands in a field
//! of its own, bounded and stripped of what cannot be seen (`peer_text.rs`), and no sentence of ours quotes it; and a
//! refusal says what to do next (`refusal.rs`).
//!
//! This crate knows nothing of wallets, contracts and storage. Start reading at `tool.rs`, then `tools/`.

mod agent;
mod door;
mod peer_text;
mod refusal;
mod server;
mod tool;
mod tools;
mod words;

pub use agent::AdmitError;
pub use door::http::{Allowed, PATH, router};
pub use door::stdio::{StdioError, TokenSource, serve_stdio};
