//! Signed requests at this server: whose they are, and that none is acted upon twice.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri, header};
use protocol::request::{Call, Credential, MAX_SKEW_S};
use protocol::{Problem, ProblemType};
use terms::{Hex32, UnixSeconds};

use super::problem::{Failure, Scheme};
use crate::oracle::Oracle;
use crate::store::Nonce;

/// The key that signed a request, if it may ask. The request's nonce is used up thereby.
///
/// Only keys that may ask make the database write anything.
///
/// # Errors
/// 401 without a credential, with that of a key that may not ask, or one that is not of now; 403 where the signature is
/// not over this request to this oracle; 409 for a repetition; 429 for a key that asks too often.
pub(super) async fn signer(
    oracle: &Oracle,
    (method, uri): (&Method, &Uri),
    headers: &HeaderMap,
    body: &Bytes,
    may_ask: impl FnOnce(Hex32) -> bool,
) -> Result<Hex32, Failure> {
    let credential = credential(headers)?;
    if !may_ask(credential.key) {
        return Err(Failure::unauthorized(Scheme::Signature, "this key may not ask here"));
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let call = Call { method: method.as_str(), path, body };
    let now = oracle.clock.now_s();
    verify(oracle, &credential, &call, UnixSeconds(now))?;
    oracle.rates.of_key(credential.key).inspect_err(|too_soon| oracle.metrics.limited(too_soon.from))?;
    use_up(oracle, &credential, now).await?;
    Ok(credential.key)
}

/// Addressed to any of the oracle's keys: who asks may not have heard of the newest yet.
fn verify(
    oracle: &Oracle,
    credential: &Credential,
    call: &Call<'_>,
    now: UnixSeconds,
) -> Result<(), Failure> {
    let ours = oracle.keys.statements().map(|(key, ..)| Hex32(key.serialize()));
    let older: Vec<Hex32> = ours.filter(|key| *key != Hex32(oracle.key.public().serialize())).collect();
    if older.into_iter().any(|key| credential.verify(call, key, now).is_ok()) {
        return Ok(());
    }
    Ok(credential.verify(call, Hex32(oracle.key.public().serialize()), now)?)
}

fn credential(headers: &HeaderMap) -> Result<Credential, Failure> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let missing = "needs a request that is signed as docs/oracle.md says, in `Authorization: Earnest ...`";
    let given = given.ok_or_else(|| Failure::unauthorized(Scheme::Signature, missing))?;
    Credential::parse(given).map_err(|error| {
        let detail = format!("authorization: {error}");
        Failure::unauthorized(Scheme::Signature, detail)
    })
}

/// A nonce is kept for twice the time that it would be needed, so that a clock that is set back lets nothing through.
async fn use_up(oracle: &Oracle, credential: &Credential, now: u64) -> Result<(), Failure> {
    let until = credential.time.0.saturating_add(2 * MAX_SKEW_S);
    match oracle.store.use_nonce(credential.key, credential.nonce, now, until).await? {
        Nonce::Fresh => Ok(()),
        Nonce::Used => {
            let detail = "was used before: sign the request afresh, with another nonce";
            Err(Problem::new(ProblemType::Conflict, detail).at("authorization.nonce").into())
        }
        Nonce::TooMany => {
            let detail = "this key has signed too many requests within minutes";
            Err(Problem::new(ProblemType::RateLimited, detail).into())
        }
    }
}
