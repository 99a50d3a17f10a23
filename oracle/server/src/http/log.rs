//! The public log, as C2SP's tlog-tiles publishes one: anybody can mirror it, and ask whether it only grows.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use evidence::TilePath;
use protocol::oracle::LogInfo;
use serde::Deserialize;

use super::caching;
use super::problem::Failure;
use crate::oracle::Oracle;
use crate::public_log::PublicLogError;
use crate::store::StoreError;

type Answer = Result<Response, Failure>;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new()
        .route("/v1/log", get(info))
        .route("/v1/log/proof", get(growth))
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*path}", get(tile))
}

async fn info(State(oracle): State<Arc<Oracle>>) -> Answer {
    let size = oracle.store.log().await?.size();
    let log = &oracle.log;
    Ok(Json(LogInfo {
        public_key: log.public_key().to_owned(),
        key_signature: log.key_signature().to_owned(),
        former: log.former().to_vec(),
        size,
    })
    .into_response())
}

#[derive(Deserialize)]
struct Earlier {
    from: u64,
}

/// What a node that kept an earlier checkpoint compares the newest one with.
async fn growth(State(oracle): State<Arc<Oracle>>, query: Result<Query<Earlier>, QueryRejection>) -> Answer {
    let rule = "must be the size of an earlier checkpoint";
    let Query(Earlier { from }) = query.map_err(|_| Failure::parameter("from", rule))?;
    let growth = oracle.log.growth(&oracle.store, from).await?;
    Ok(([(header::CACHE_CONTROL, "no-cache")], Json(growth)).into_response())
}

async fn checkpoint(State(oracle): State<Arc<Oracle>>) -> Answer {
    let text = oracle.log.checkpoint(&oracle.store).await?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, text).into_response())
}

async fn tile(State(oracle): State<Arc<Oracle>>, Path(path): Path<String>) -> Answer {
    let unknown = || Failure::not_found("the log has no such tile");
    let tile = TilePath::parse(&path).ok_or_else(unknown)?;
    let size = oracle.store.log().await?.size();
    let bytes = match tile {
        TilePath::Hashes { .. } => {
            let positions = tile.positions(size).ok_or_else(unknown)?;
            let hashes = oracle.store.log_hashes(&positions).await?;
            let hashes: Option<Vec<_>> =
                positions.iter().map(|position| hashes.get(position).copied()).collect();
            hashes.ok_or(StoreError::Corrupt { column: "log_hashes" })?.concat()
        }
        TilePath::Entries { .. } => {
            let (first, width) = tile.range(size).ok_or_else(unknown)?;
            bundle(&oracle.store.log_leaves(first, width).await?)?
        }
    };
    // A tile never changes once it is there.
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CACHE_CONTROL, caching::FOR_EVER),
    ];
    Ok((headers, bytes).into_response())
}

/// Entries one after the other, each behind its length in two bytes.
fn bundle(leaves: &[Vec<u8>]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    for leaf in leaves {
        let length = u16::try_from(leaf.len()).map_err(|_| StoreError::Corrupt { column: "entry" })?;
        bytes.extend(length.to_be_bytes());
        bytes.extend(leaf);
    }
    Ok(bytes)
}

impl From<PublicLogError> for Failure {
    fn from(error: PublicLogError) -> Self {
        Self::internal(&error)
    }
}
