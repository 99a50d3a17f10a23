//! Small things that every answer needs.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Map, Value};
use terms::UnixSeconds;

/// A moment as RFC 3339 in UTC, which models read better than seconds.
pub(crate) fn moment(at: UnixSeconds) -> String {
    calendar::words::utc(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// The name under which a value is written, such as that of a state.
pub(crate) fn name_of<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// The schema of what a tool takes.
pub(crate) fn input_schema<T: JsonSchema>() -> Map<String, Value> {
    schema::<T>(SchemaSettings::draft2020_12())
}

/// The schema of what a tool answers.
pub(crate) fn output_schema<T: JsonSchema>() -> Map<String, Value> {
    schema::<T>(SchemaSettings::draft2020_12().for_serialize())
}

/// Without references, which some clients do not follow.
fn schema<T: JsonSchema>(settings: SchemaSettings) -> Map<String, Value> {
    let generator = settings.with(|settings| settings.inline_subschemas = true).into_generator();
    let mut schema = match generator.into_root_schema_for::<T>().to_value() {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    // The name of a Rust type and its comment say nothing to a model.
    schema.remove("title");
    schema.remove("description");
    schema
}
