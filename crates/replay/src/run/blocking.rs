//! RPC to bitcoind is blocking, and must not hold up the tasks that serve simulated time.

use std::sync::Arc;

use anyhow::Context as _;
use testbed::Bitcoind;

/// Does something with the node on a thread of its own.
pub(crate) async fn with_node<T, E, F>(node: &Arc<Bitcoind>, work: F) -> anyhow::Result<T>
where
    T: Send + 'static,
    E: Into<anyhow::Error> + Send + 'static,
    F: FnOnce(&Bitcoind) -> Result<T, E> + Send + 'static,
{
    let node = Arc::clone(node);
    let done = tokio::task::spawn_blocking(move || work(&node)).await.context("a thread ended badly")?;
    done.map_err(Into::into)
}
