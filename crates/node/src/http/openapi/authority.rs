//! What the owner allows.

use openapi::{Body, Operation};

use super::words::{OWNER, UNKNOWN, dry, one, post};

const TAG: &str = "authority";

const PAUSED: &[(u16, Body, &str)] = &[(200, Body::Json("PauseView"), "How the switch stands")];
const SECRET: &[(u16, Body, &str)] =
    &[(200, Body::Json("KeySecret"), "Its token, which is shown and not kept")];
const DECIDED: &[(u16, Body, &str)] = &[(200, Body::Json("ApprovalView"), "How it stands")];

const DECISION: &[(u16, &str)] = &[
    (404, "There is no such question"),
    (409, "It was decided otherwise, or its time has passed"),
    (422, "Not enough confirmed coins, or the Idempotency-Key was used before with another request"),
    (502, "The provider or an oracle answered with nonsense, or not at all"),
];

pub(super) const OPERATIONS: &[Operation] = &[
    one(
        "/v1/mandate",
        "mandate",
        TAG,
        "The limits, and how much of them is used",
        &[(200, Body::Json("MandateView"), "The owner's; to a delegated key also its own")],
    ),
    post("/v1/pause", "pause", TAG, "Commit nothing new from now on", "DecisionRequest", PAUSED),
    post("/v1/resume", "resume", TAG, "Go on", "DecisionRequest", PAUSED),
    Operation {
        auth: OWNER,
        ..one(
            "/v1/keys",
            "keys",
            TAG,
            "All delegated keys, also those that were revoked",
            &[(200, Body::ListOf("KeyView"), "By name")],
        )
    },
    Operation {
        refusals: &[(409, "The name was used before")],
        ..post("/v1/keys", "createKey", TAG, "Make a delegated key", "KeyRequest", SECRET)
    },
    Operation {
        auth: OWNER,
        refusals: UNKNOWN,
        ..one(
            "/v1/keys/{name}/requests",
            "keyRequests",
            TAG,
            "What a key asked that could change something",
            &[(200, Body::ListOf("KeyRequestView"), "The newest first")],
        )
    },
    Operation {
        refusals: UNKNOWN,
        ..post(
            "/v1/keys/{name}/rotate",
            "rotateKey",
            TAG,
            "Give a key another token; the old one is refused from then on",
            "DecisionRequest",
            SECRET,
        )
    },
    Operation {
        refusals: UNKNOWN,
        ..post(
            "/v1/keys/{name}/revoke",
            "revokeKey",
            TAG,
            "Take a key back for ever",
            "DecisionRequest",
            &[(200, Body::Json("KeyView"), "The key")],
        )
    },
    Operation {
        auth: OWNER,
        ..one(
            "/v1/approvals",
            "approvals",
            TAG,
            "What waits, or waited, for the owner's word",
            &[(200, Body::ListOf("ApprovalView"), "The newest first")],
        )
    },
    Operation {
        refusals: DECISION,
        ..dry(post(
            "/v1/approvals/{terms_hash}/approve",
            "approve",
            TAG,
            "Agree to a commitment; everything is checked anew",
            "DecisionRequest",
            &[(200, Body::Either("ApprovalView", "DryRun"), "How it stands")],
        ))
    },
    Operation {
        refusals: DECISION,
        ..post(
            "/v1/approvals/{terms_hash}/deny",
            "deny",
            TAG,
            "Refuse a commitment",
            "DecisionRequest",
            DECIDED,
        )
    },
];
