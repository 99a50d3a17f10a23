//! The document.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::operation::{Body, Operation, Parameter, Way};

/// What an API is, and what it can do.
#[derive(Clone, Debug)]
pub struct Api<'a> {
    /// Its name.
    pub title: &'a str,
    /// The program's version.
    pub version: &'a str,
    /// What a reader must know before the first request.
    pub description: &'a str,
    /// Every route and method.
    pub operations: &'a [Operation],
    /// How every route may refuse: status and meaning.
    pub always: &'a [(u16, &'a str)],
    /// How those refuse that ask who it is.
    pub guarded: &'a [(u16, &'a str)],
    /// How those refuse that take a body.
    pub posted: &'a [(u16, &'a str)],
    /// Whether every GET has an ETag, and answers 304 to whoever has it.
    pub revalidates: bool,
    /// The shapes of bodies: see [`schemas`].
    pub schemas: Map<String, Value>,
    /// The security schemes.
    pub security: Value,
}

/// The schemas of the types that `register` names, and of all that these are made of.
pub fn schemas(register: impl FnOnce(&mut SchemaGenerator)) -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    register(&mut generator);
    generator.take_definitions(true)
}

impl Api<'_> {
    /// The description, as OpenAPI 3.1 has it.
    pub fn document(&self) -> Value {
        let mut paths = Map::new();
        for operation in self.operations {
            let path = paths.entry(template(operation.path)).or_insert_with(|| json!({}));
            path[operation.method] = self.describe(operation);
        }
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": self.title,
                "version": self.version,
                "description": self.description,
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" }
            },
            "servers": [{ "url": "/" }],
            "paths": paths,
            "components": { "schemas": self.schemas, "securitySchemes": self.security }
        })
    }

    fn describe(&self, operation: &Operation) -> Value {
        let mut described = json!({
            "operationId": operation.id,
            "tags": [operation.tag],
            "summary": operation.summary,
            "responses": self.answers(operation)
        });
        let parameters = parameters(operation);
        if !parameters.is_empty() {
            described["parameters"] = parameters.into();
        }
        if let Some(body) = operation.body {
            described["requestBody"] = json!({ "required": true, "content": content(body) });
        }
        if !operation.auth.is_empty() {
            described["security"] = operation.auth.iter().map(way).collect();
        }
        described
    }

    fn answers(&self, operation: &Operation) -> Value {
        let mut answers = Map::new();
        for (status, body, meaning) in operation.answers {
            answers.insert(status.to_string(), json!({ "description": meaning, "content": content(*body) }));
        }
        if operation.method == "get" && self.revalidates {
            answers.insert(
                "304".to_owned(),
                json!({ "description": "The reader has it: If-None-Match names its ETag" }),
            );
        }
        let guarded = if operation.auth.is_empty() { &[] } else { self.guarded };
        let posted = if operation.body.is_none() { &[] } else { self.posted };
        // What is said of one operation stands in the place of what is said of all.
        for (status, meaning) in self.always.iter().chain(guarded).chain(posted).chain(operation.refusals) {
            answers.insert(status.to_string(), refusal(operation, *status, meaning));
        }
        answers.into()
    }
}

/// A path as OpenAPI writes it: it knows no parameter that spans segments.
fn template(path: &str) -> String {
    path.replace("{*", "{")
}

fn way(way: &Way) -> Value {
    match *way {
        Way::Nobody => json!({}),
        Way::Scheme(name) => json!({ name: [] }),
        Way::Scoped(name, scope) => json!({ name: [scope] }),
    }
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

/// JSON's own types are in lower case, the names of schemas are not.
fn schema_of(kind: &str) -> Value {
    if kind.starts_with(char::is_uppercase) { reference(kind) } else { json!({ "type": kind }) }
}

fn refusal(operation: &Operation, status: u16, meaning: &str) -> Value {
    let body = if operation.plain_refusals && status == 404 {
        Body::Text
    } else {
        // Problems have a media type of their own.
        Body::Typed(protocol::problem::CONTENT_TYPE, "Problem")
    };
    let mut answer = json!({ "description": meaning, "content": content(body) });
    if status == 429 {
        let wait = json!({ "description": "Seconds to wait", "schema": { "type": "integer" } });
        answer["headers"] = json!({ "Retry-After": wait });
    }
    answer
}

fn content(body: Body) -> Value {
    let (media, schema) = match body {
        Body::Json(name) => ("application/json", reference(name)),
        Body::Either(one, other) => {
            ("application/json", json!({ "anyOf": [reference(one), reference(other)] }))
        }
        Body::ListOf(name) => ("application/json", json!({ "type": "array", "items": reference(name) })),
        Body::Typed(media, name) => (media, reference(name)),
        Body::Object => ("application/json", json!({ "type": "object" })),
        Body::List => ("application/json", json!({ "type": "array", "items": { "type": "object" } })),
        Body::Text => ("text/plain", json!({ "type": "string" })),
        Body::Csv => ("text/csv", json!({ "type": "string" })),
        Body::Lines => ("application/jsonl", json!({ "type": "string" })),
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
