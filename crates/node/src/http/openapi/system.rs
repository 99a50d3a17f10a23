//! The node itself.

use openapi::{Body, Operation};

use super::words::{one, post};

const TAG: &str = "node";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/healthz",
        id: "health",
        tag: TAG,
        summary: "The process runs",
        answers: &[(200, Body::Text, "`ok`")],
        ..Operation::GET
    },
    Operation {
        path: "/readyz",
        id: "ready",
        tag: TAG,
        summary: "The chain was read",
        answers: &[(200, Body::Text, "`ready`")],
        ..Operation::GET
    },
    Operation {
        path: "/v1/openapi.json",
        id: "openapi",
        tag: TAG,
        summary: "This description",
        answers: &[(200, Body::Object, "OpenAPI 3.1")],
        ..Operation::GET
    },
    one(
        "/v1/info",
        "info",
        TAG,
        "Version, identity, network, time, backup",
        &[(200, Body::Json("Info"), "What the node says about itself")],
    ),
    one(
        "/v1/oracles",
        "oracles",
        TAG,
        "The oracles of the configuration, and how their keys stand",
        &[(200, Body::ListOf("OracleView"), "In the configuration's order")],
    ),
    post(
        "/v1/identity-rotations",
        "rotateIdentity",
        TAG,
        "Take the next identity key",
        "RotationRequest",
        &[(200, Body::Json("IdentityRotation"), "The new key and the one before it")],
    ),
    post(
        "/v1/token-rotations",
        "rotateToken",
        TAG,
        "Write a new owner token into its file; the one that asks is refused from now on",
        "RotationRequest",
        &[(200, Body::Json("TokenRotation"), "It is in its file, and nowhere else")],
    ),
];
