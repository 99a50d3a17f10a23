//! Asking many at a time, each not for long, and all of them not for ever.

use std::time::Duration;

use client::{ClientError, PeerClient};
use futures_util::StreamExt as _;
use protocol::Card;
use tokio::time::{Instant, timeout, timeout_at};

use crate::place::{Place, resolver};

/// How many are asked at once, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub at_once: usize,
    pub each: Duration,
    pub until: Instant,
}

/// Does each piece of work, several at a time; one that takes too long, or comes after the end, has no answer. The answers
/// are in the order of the work.
pub(crate) async fn each<T, F>(work: Vec<F>, limits: &Limits) -> Vec<Option<T>>
where
    F: Future<Output = T>,
{
    let bounded = work.into_iter().enumerate().map(|(place, piece)| async move {
        let answer = match Instant::now() < limits.until {
            true => timeout_at(limits.until, timeout(limits.each, piece)).await,
            false => return (place, None),
        };
        (place, answer.ok().and_then(Result::ok))
    });
    // Whoever is slow holds up one place, and not those behind it.
    let answers = futures_util::stream::iter(bounded).buffer_unordered(limits.at_once);
    let mut answers: Vec<(usize, Option<T>)> = answers.collect().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// The cards at these addresses, each with where the directory is that sends us there, in their order: verified, or why there
/// is none.
pub(crate) async fn cards(urls: Vec<(String, Option<Place>)>, limits: &Limits) -> Vec<Result<Card, String>> {
    let work = urls.into_iter().map(|(url, from)| async move { card(&url, from, limits.each).await });
    let answers = each(work.collect(), limits).await;
    let said = |answer: Option<Result<Card, ClientError>>| match answer {
        Some(answer) => answer.map_err(|error| why(&error)),
        None => Err("does not answer in time".to_owned()),
    };
    answers.into_iter().map(said).collect()
}

async fn card(url: &str, sent_from: Option<Place>, within: Duration) -> Result<Card, ClientError> {
    let peer = match sent_from {
        None => PeerClient::within(url, within),
        Some(directory) => PeerClient::resolving(url, within, resolver(directory)),
    };
    peer?.card().await
}

/// An error without the address, which stands beside it already.
pub(crate) fn why(error: &ClientError) -> String {
    match error {
        ClientError::Unreachable { .. } => "is unreachable".to_owned(),
        ClientError::Timeout { .. } => "does not answer in time".to_owned(),
        ClientError::Status { status, .. } => format!("answers with status {status} and no reason"),
        ClientError::Malformed { field, rule, .. } => format!("{field}: {rule}"),
        ClientError::Refused(problem) => format!("refuses: {problem}"),
        ClientError::BaseUrl { rule, .. } => (*rule).to_owned(),
        ClientError::Randomness(_) => error.to_string(),
    }
}
