//! How the leaves of the API's shapes look on the wire, for JSON Schema.
//!
//! The shapes themselves derive theirs; what is written by hand here are texts with a form of their own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::bytes::{Hex64, HexBytes};

macro_rules! text {
    ($type:ty, $name:literal, $pattern:literal, $meaning:literal) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $meaning })
            }
        }
    };
}

/// Stands for [`terms::Hex32`].
pub enum Bytes32 {}

/// Stands for [`terms::EventId`].
pub enum EventId {}

/// Stands for [`terms::UnixSeconds`].
pub enum UnixSeconds {}

/// Stands for [`terms::Measurement`].
pub enum Measurement {}

/// Stands for [`terms::Outcome`].
pub enum Outcome {}

text!(Bytes32, "Bytes32", "^[0-9a-f]{64}$", "32 bytes: an x-only key, or a hash");
text!(Hex64, "Signature", "^[0-9a-f]{128}$", "A BIP340 signature");
text!(HexBytes, "HexBytes", "^([0-9a-f]{2})*$", "Bytes");
text!(EventId, "EventId", "^sla1-[0-9a-f]{64}$", "`sla1-` and the SHA-256 of the canonical measurement");

impl JsonSchema for UnixSeconds {
    fn schema_name() -> Cow<'static, str> {
        "UnixSeconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let most = terms::units::MAX_NUMBER;
        json_schema!({ "type": "integer", "minimum": 0, "maximum": most, "description": "Unix seconds, UTC" })
    }
}

impl JsonSchema for Outcome {
    fn schema_name() -> Cow<'static, str> {
        "Outcome".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value of a numeric event, a level of an enum event, or neither",
            "type": ["object", "string"]
        })
    }
}

impl JsonSchema for Measurement {
    fn schema_name() -> Cow<'static, str> {
        "Measurement".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What is measured, in canonical JSON (RFC 8785); docs/terms.md tells each field",
            "type": "object",
            "required": [
                "v", "target", "indicator", "window", "slice_s", "probe_every_ms", "method", "quorum", "least_samples",
                "indeterminate_above_ppm", "rounding", "outcome"
            ],
            "properties": {
                "v": { "const": 1 },
                "target": { "type": "object", "description": "An HTTP request and what is expected of its answer, or one of tcp, tls, dns, heartbeat" },
                "indicator": { "type": "object", "description": "One of availability, latency, lateness, metric" },
                "window": {
                    "type": "object",
                    "required": ["start", "end"],
                    "properties": { "start": { "type": "integer" }, "end": { "type": "integer" } },
                    "additionalProperties": false
                },
                "slice_s": { "type": "integer", "minimum": 1 },
                "probe_every_ms": { "type": "integer", "minimum": 1 },
                "method": { "type": "object", "description": "One of timeslices, ratio_timeslices, occurrences" },
                "quorum": {
                    "type": "object",
                    "required": ["agree", "vantages"],
                    "properties": { "agree": { "type": "integer", "minimum": 1 }, "vantages": { "type": "integer", "minimum": 1 } },
                    "additionalProperties": false
                },
                "least_samples": { "type": "integer", "minimum": 0 },
                "indeterminate_above_ppm": { "type": "integer", "minimum": 0, "maximum": 1_000_000 },
                "rounding": { "enum": ["up", "down"] },
                "outcome": { "type": "object", "description": "One of numeric, enum" }
            }
        })
    }
}
