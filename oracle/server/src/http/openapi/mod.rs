//! `/v1/openapi.json`: this API as OpenAPI 3.1 describes one.
//!
//! [`operations::OPERATIONS`] has a line for every route, and a test compares it with the router. Shapes of bodies come
//! from the types that are read and written.

mod operation;
mod operations;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use protocol::Problem;
use protocol::objection::{Objection, ObjectionView, Objections};
use protocol::oracle::{Announced, EventPage, EventView, LogGrowth, LogInfo, OracleInfo, SlicePage};
use protocol::vantage::{Assignments, BatchResults, Batches};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::oracle::Oracle;
use operation::{ALWAYS, Auth, Body, Operation, Parameter};
use operations::OPERATIONS;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new().route("/v1/openapi.json", get(openapi))
}

async fn openapi() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| format!("{:#}\n", document())).as_str();
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn document() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(template(operation.path)).or_insert_with(|| json!({}));
        path[operation.method] = describe(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Earnest oracle",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "An oracle that measures services, keeps the evidence, and signs one outcome for each window. \
                            Errors are RFC 9457 problem details, but for the paths of other oracles' clients, which \
                            are refused in plain text. Answers carry an ETag; HEAD is answered wherever GET is.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" }
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas(), "securitySchemes": security() }
    })
}

/// A path as OpenAPI writes it: it knows no parameter that spans segments.
fn template(path: &str) -> String {
    path.replace("{*", "{")
}

fn schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
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
    generator.take_definitions(true)
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

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": answers(operation)
    });
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(body) = operation.body {
        described["requestBody"] = json!({ "required": true, "content": content(body) });
    }
    match operation.auth {
        Auth::Nobody => {}
        Auth::Vantage => described["security"] = json!([{ "signature": [] }]),
        Auth::Policy => described["security"] = json!([{}, { "token": [] }, { "signature": [] }]),
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split(['{', '}']).skip(1).step_by(2).map(|name| {
        json!({
            "name": name.trim_start_matches('*'), "in": "path", "required": true, "schema": { "type": "string" }
        })
    });
    let others = operation.parameters.iter().map(|Parameter { place, name, kind, meaning }| {
        json!({ "name": name, "in": place, "required": false, "description": meaning, "schema": schema_of(kind) })
    });
    in_path.chain(others).collect()
}

fn schema_of(kind: &str) -> Value {
    match kind {
        "EventState" => json!({ "$ref": "#/components/schemas/EventState" }),
        kind => json!({ "type": kind }),
    }
}

fn answers(operation: &Operation) -> Value {
    let mut answers = Map::new();
    for (status, body, meaning) in operation.answers {
        answers.insert(status.to_string(), json!({ "description": meaning, "content": content(*body) }));
    }
    if operation.method == "get" {
        answers.insert(
            "304".to_owned(),
            json!({ "description": "The reader has it: If-None-Match names its ETag" }),
        );
    }
    for (status, meaning) in operation.refusals.iter().chain(ALWAYS) {
        let body =
            if operation.plain_refusals && *status == 404 { Body::Text } else { Body::Json("Problem") };
        let mut answer = json!({ "description": meaning, "content": content(problem(body)) });
        if *status == 429 {
            let wait = json!({ "description": "Seconds to wait", "schema": { "type": "integer" } });
            answer["headers"] = json!({ "Retry-After": wait });
        }
        answers.insert(status.to_string(), answer);
    }
    answers.into()
}

/// Problems have a media type of their own.
fn problem(body: Body) -> Body {
    match body {
        Body::Json(name) => Body::Typed(protocol::problem::CONTENT_TYPE, name),
        other => other,
    }
}

fn content(body: Body) -> Value {
    let (media, schema) = match body {
        Body::Json(name) => ("application/json", reference(name)),
        Body::Typed(media, name) => (media, reference(name)),
        Body::Object => ("application/json", json!({ "type": "object" })),
        Body::List => ("application/json", json!({ "type": "array", "items": { "type": "object" } })),
        Body::Text => ("text/plain", json!({ "type": "string" })),
        Body::Csv => ("text/csv", json!({ "type": "string" })),
        Body::Html => ("text/html", json!({ "type": "string" })),
        Body::Svg => ("image/svg+xml", json!({ "type": "string" })),
        Body::Events => ("text/event-stream", json!({ "type": "string" })),
        Body::Bytes => ("application/octet-stream", json!({})),
        Body::Metrics => ("application/openmetrics-text", json!({ "type": "string" })),
    };
    json!({ media: { "schema": schema } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests;
