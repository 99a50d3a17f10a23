//! An agent that was let in.

use std::collections::BTreeSet;

use client::{ClientError, OwnerClient};
use protocol::owner::Scope;

/// The owner's API as a delegated key opens it.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    /// The node, asked with that key.
    pub node: OwnerClient,
    /// What the key may do.
    pub scopes: BTreeSet<Scope>,
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// The token is the owner's, which stands above every limit but the mandate.
    #[error(
        "this is the owner's token; an agent gets a key of its own: earnest key create NAME --limits FILE --scope buy"
    )]
    Owner,
    /// The file with the token cannot be read.
    #[error("{path}: {source}")]
    TokenFile {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The node does not know the token, or does not answer.
    #[error(transparent)]
    Node(#[from] ClientError),
}

impl Agent {
    /// Lets in whoever has a delegated key of the node at `base`. Each call of a tool begins with this, so that a key that
    /// was revoked opens nothing any more.
    ///
    /// # Errors
    /// When the node does not know the token or is away; and when it is the owner's.
    pub async fn admit(base: &str, token: &str) -> Result<Self, AdmitError> {
        let node = OwnerClient::new(base, token)?;
        match node.mandate().await?.key {
            Some(own) => Ok(Self { node, scopes: own.key.scopes }),
            None => Err(AdmitError::Owner),
        }
    }
}
