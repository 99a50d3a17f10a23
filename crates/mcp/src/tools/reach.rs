//! Which addresses a key may have this machine connect to.
//!
//! A key that commits money may name anybody: buying from a stranger is what it is for, and its owner has bounded it. One that
//! only looks must not use the tools to reach into a network that it cannot reach itself. It may name what the owner has
//! named before.

use client::ClientError;
use protocol::owner::Scope;

use crate::agent::Agent;
use crate::refusal::Refusal;

/// Lets those addresses through, each with the argument that names it, which the key may name.
///
/// # Errors
/// Names the first argument that it may not; and when the node does not answer.
pub(super) async fn may_name(agent: &Agent, named: &[(&'static str, &str)]) -> Result<(), Refusal> {
    if agent.scopes.iter().copied().any(Scope::commits) {
        return Ok(());
    }
    let known = known(agent).await?;
    match named.iter().find(|(_, url)| !is_known(url, &known)) {
        Some((argument, _)) => Err(Refusal::out_of_reach(argument)),
        None => Ok(()),
    }
}

/// The directories of the node's configuration, and the providers of its standing orders.
async fn known(agent: &Agent) -> Result<Vec<String>, ClientError> {
    let listing = agent.node.listing().await?;
    let directories = listing.into_iter().flat_map(|listing| listing.directories).map(|known| known.url);
    let orders = agent.node.orders().await?;
    Ok(directories.chain(orders.into_iter().flat_map(|known| known.order.provider_urls)).collect())
}

fn is_known(url: &str, known: &[String]) -> bool {
    known.iter().any(|known| known.trim_end_matches('/') == url.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_whole_and_not_by_its_beginning() {
        let known = ["http://directory.example:7811/".to_owned()];
        assert!(is_known("http://directory.example:7811", &known));
        for other in [
            "http://directory.example:78",
            "http://directory.example:7811/x",
            "http://directory.example:7811@10.0.0.1",
        ] {
            assert!(!is_known(other, &known), "{other}");
        }
    }
}
