//! Over standard input and output, for a client that starts this program itself.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::PathBuf;

use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{RoleServer, ServiceExt as _};
use tokio::fs::File;

use crate::agent::{AdmitError, Agent};
use crate::server::Server;

/// The longest message of a client, in bytes: its arguments are ids, amounts and short texts.
const LONGEST_LINE: usize = 256 * 1024;

/// Where the token of the delegated key comes from.
#[derive(Clone)]
pub enum TokenSource {
    /// It was given.
    Given(String),
    /// A file, read anew for each call: a rotated token needs no restart.
    File(PathBuf),
}

impl TokenSource {
    /// The token as it is now.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub(crate) fn read(&self) -> Result<String, AdmitError> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File(path) => std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(|source| AdmitError::TokenFile { path: path.clone(), source }),
        }
    }
}

/// Why no client was served.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// The token is none of a delegated key.
    #[error(transparent)]
    Admit(#[from] AdmitError),
    /// The client did not begin as the protocol says, or went away.
    #[error("the client: {0}")]
    Client(Box<rmcp::service::ServerInitializeError>),
    /// The task that served it failed.
    #[error("serving failed: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// Standard input or output.
    #[error("standard input and output: {0}")]
    Io(#[from] std::io::Error),
}

/// Serves the tools of the node at `base` over standard input and output, until the client closes them.
///
/// A node that is away is no reason not to begin: the tools say so, and work as soon as it is there.
///
/// # Errors
/// See [`StdioError`].
pub async fn serve_stdio(base: &str, token: TokenSource) -> Result<(), StdioError> {
    match Agent::admit(base, &token.read()?).await {
        Err(AdmitError::Node(error)) if error.may_pass() => {}
        admitted => drop(admitted?),
    }
    let (input, output) = (open(std::io::stdin().as_fd())?, open(std::io::stdout().as_fd())?);
    let transport =
        AsyncRwTransport::<RoleServer, _, _>::new_server(input, output).with_max_line_length(LONGEST_LINE);
    let serving = Server::of_stdio(base.to_owned(), token).serve(transport).await;
    serving.map_err(|error| StdioError::Client(Box::new(error)))?.waiting().await?;
    Ok(())
}

/// A handle of its own: tokio reads and writes files of every kind on threads that may wait.
fn open(standard: BorrowedFd<'_>) -> std::io::Result<File> {
    Ok(File::from_std(std::fs::File::from(standard.try_clone_to_owned()?)))
}
