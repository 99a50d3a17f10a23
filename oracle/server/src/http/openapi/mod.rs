//! `/v1/openapi.json`: this API as OpenAPI 3.1 describes one.
//!
//! [`operations::OPERATIONS`] has a line for every route, and a test compares it with the router. Shapes of bodies come
//! from the types that are read and written.

mod operations;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use openapi::Api;
use protocol::Problem;
use protocol::objection::{Objection, ObjectionView, Objections};
use protocol::oracle::{Announced, EventPage, EventView, LogGrowth, LogInfo, OracleInfo, SlicePage};
use protocol::vantage::{Assignments, BatchResults, Batches};
use schemars::SchemaGenerator;
use serde_json::{Value, json};

use crate::oracle::Oracle;
use operations::OPERATIONS;

/// What every route may answer.
const ALWAYS: &[(u16, &str)] = &[
    (429, "Too many requests from this address or key"),
    (500, "A fault of the oracle's own; its log says which"),
    (503, "Too many requests are being answered, or what is needed is away: try again"),
];

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new().route("/v1/openapi.json", get(openapi))
}

async fn openapi() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| format!("{:#}\n", document())).as_str();
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn document() -> Value {
    let api = Api {
        title: "Earnest oracle",
        version: env!("CARGO_PKG_VERSION"),
        description: "An oracle that measures services, keeps the evidence, and signs one outcome for each window. \
                      Errors are RFC 9457 problem details, but for the paths of other oracles' clients, which \
                      are refused in plain text. Answers carry an ETag; HEAD is answered wherever GET is.",
        operations: OPERATIONS,
        always: ALWAYS,
        guarded: &[],
        posted: &[],
        revalidates: true,
        schemas: openapi::schemas(register),
        security: security(),
    };
    api.document()
}

fn register(generator: &mut SchemaGenerator) {
    generator.subschema_for::<OracleInfo>();
    generator.subschema_for::<Announced>();
    generator.subschema_for::<EventPage>();
    generator.subschema_for::<EventView>();
    generator.subschema_for::<SlicePage>();
    generator.subschema_for::<LogInfo>();
    generator.subschema_for::<LogGrowth>();
    generator.subschema_for::<Assignments>();
    generator.subschema_for::<Batches>();
    generator.subschema_for::<BatchResults>();
    generator.subschema_for::<Objection>();
    generator.subschema_for::<ObjectionView>();
    generator.subschema_for::<Objections>();
    generator.subschema_for::<Problem>();
}

fn security() -> Value {
    json!({
        "token": { "type": "http", "scheme": "bearer", "description": "Where policy.accept is `token`" },
        "signature": {
            "type": "http",
            "scheme": protocol::request::SCHEME,
            "description": "A request signed by a key that the oracle knows (BIP340): docs/oracle.md, Signed requests"
        }
    })
}

#[cfg(test)]
mod tests;
