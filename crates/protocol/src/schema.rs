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

/// Stands for [`terms::TimeRange`].
pub enum TimeRange {}

/// Stands for [`terms::Measurement`].
pub enum Measurement {}

/// Stands for [`terms::Sat`].
pub enum Sat {}

/// Stands for [`terms::Agreement`].
pub enum Agreement {}

/// Stands for [`terms::Payout`].
pub enum Payout {}

/// Stands for [`terms::OracleSet`].
pub enum OracleSet {}

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

impl JsonSchema for TimeRange {
    fn schema_name() -> Cow<'static, str> {
        "TimeRange".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let moment = generator.subschema_for::<UnixSeconds>();
        json_schema!({
            "type": "object",
            "required": ["start", "end"],
            "properties": { "start": moment, "end": moment },
            "additionalProperties": false
        })
    }
}

impl JsonSchema for Sat {
    fn schema_name() -> Cow<'static, str> {
        "Sat".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let most = terms::units::MAX_NUMBER;
        json_schema!({ "type": "integer", "minimum": 0, "maximum": most, "description": "Satoshis" })
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

impl JsonSchema for Payout {
    fn schema_name() -> Cow<'static, str> {
        "Payout".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What each outcome pays, as shares of price and bond; docs/terms.md tells each field",
            "type": "object",
            "required": ["schedule", "indeterminate", "round_to"],
            "properties": {
                "schedule": { "type": "object", "description": "One of numeric, levels" },
                "indeterminate": {
                    "type": "object",
                    "required": ["price_back_ppm", "bond_forfeit_ppm"],
                    "properties": {
                        "price_back_ppm": { "type": "integer", "minimum": 0, "maximum": 1_000_000 },
                        "bond_forfeit_ppm": { "type": "integer", "minimum": 0, "maximum": 1_000_000 }
                    },
                    "additionalProperties": false
                },
                "round_to": { "enum": ["provider", "buyer"] }
            },
            "additionalProperties": false
        })
    }
}

impl JsonSchema for OracleSet {
    fn schema_name() -> Cow<'static, str> {
        "OracleSet".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let key = generator.subschema_for::<Bytes32>();
        json_schema!({
            "description": "Whose attestation counts: t of n oracles",
            "type": "object",
            "required": ["keys", "threshold"],
            "properties": {
                "keys": { "type": "array", "minItems": 1, "items": key },
                "threshold": { "type": "integer", "minimum": 1 },
                "tolerance": { "type": "object", "description": "How far several oracles' values may differ" }
            },
            "additionalProperties": false
        })
    }
}

impl JsonSchema for Agreement {
    fn schema_name() -> Cow<'static, str> {
        "Agreement".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let party = json_schema!({
            "type": "object",
            "required": ["key"],
            "properties": { "key": generator.subschema_for::<Bytes32>() },
            "additionalProperties": false
        });
        let (sat, seconds) = (generator.subschema_for::<Sat>(), generator.subschema_for::<UnixSeconds>());
        json_schema!({
            "description": "What two parties agreed about a measurement, in canonical JSON (RFC 8785); docs/terms.md tells each field",
            "type": "object",
            "required": [
                "v", "network", "measurement", "event_id", "oracles", "provider", "buyer", "price_sat", "bond_sat", "payout",
                "funding_deadline", "refund_delay_s", "fee_rate_sat_vb"
            ],
            "properties": {
                "v": { "const": 1 },
                "network": { "enum": ["regtest", "signet", "testnet4", "mainnet"] },
                "measurement": generator.subschema_for::<Measurement>(),
                "event_id": generator.subschema_for::<EventId>(),
                "oracles": generator.subschema_for::<OracleSet>(),
                "provider": party.clone(),
                "buyer": party,
                "price_sat": sat.clone(),
                "bond_sat": sat,
                "payout": generator.subschema_for::<Payout>(),
                "funding_deadline": seconds,
                "refund_delay_s": { "type": "integer", "minimum": 0 },
                "fee_rate_sat_vb": { "type": "integer", "minimum": 1 }
            },
            "additionalProperties": false
        })
    }
}
