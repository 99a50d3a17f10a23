//! Escrows, and what an owner should look at in them.

use openapi::{Body, Operation};

use super::words::{BUY, CLOSE, DEAL, UNKNOWN, dry, one, post};

const TAG: &str = "escrows";

const PROPOSALS: &[(u16, Body, &str)] = &[(200, Body::Json("CloseView"), "Both sides' last proposals")];

/// The same, or the split that it is about.
const CLOSE_OR_DRY: &[(u16, Body, &str)] =
    &[(200, Body::Either("CloseView", "DryRun"), "Both sides' last proposals")];

const CLOSING: &[(u16, &str)] =
    &[(404, "There is no such escrow"), (409, "It is not funded, is spent, or the proposal does not stand")];

/// The owner's word about a proposal to close.
const fn word(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation { auth: CLOSE, refusals: CLOSING, ..post(path, id, TAG, summary, "ProposalRequest", PROPOSALS) }
}

pub(super) const OPERATIONS: &[Operation] = &[
    one(
        "/v1/escrows",
        "escrows",
        TAG,
        "All escrows, without their documents",
        &[(200, Body::ListOf("EscrowView"), "The newest first")],
    ),
    Operation {
        refusals: UNKNOWN,
        ..one(
            "/v1/escrows/{id}",
            "escrow",
            TAG,
            "One escrow with messages, transactions, history",
            &[(200, Body::Json("EscrowView"), "The escrow")],
        )
    },
    Operation {
        refusals: UNKNOWN,
        ..one(
            "/v1/escrows/{id}/transcript",
            "transcript",
            TAG,
            "What was said, locked, attested and paid, for a third party",
            &[(200, Body::Json("TranscriptFile"), "For `earnest transcript verify`")],
        )
    },
    Operation {
        auth: BUY,
        refusals: DEAL,
        ..dry(post(
            "/v1/escrows/{id}/renew",
            "renew",
            TAG,
            "Agree and lock the next window, with fresh coins; asked again, the same",
            "RenewalRequest",
            &[(200, Body::Either("Purchase", "DryRun"), "The next window's escrow")],
        ))
    },
    Operation {
        auth: CLOSE,
        refusals: CLOSING,
        ..dry(post(
            "/v1/escrows/{id}/close",
            "proposeClose",
            TAG,
            "Propose to close by agreement; signs nothing",
            "CloseRequest",
            CLOSE_OR_DRY,
        ))
    },
    Operation {
        answers: CLOSE_OR_DRY,
        ..dry(word("/v1/escrows/{id}/close/approve", "approveClose", "Sign the other side's proposal"))
    },
    word("/v1/escrows/{id}/close/refuse", "refuseClose", "Refuse the other side's proposal"),
    word("/v1/escrows/{id}/close/withdraw", "withdrawClose", "Take the own proposal back"),
    one(
        "/v1/alarms",
        "alarms",
        TAG,
        "What the owner should look at",
        &[(200, Body::ListOf("Alarm"), "The newest first")],
    ),
];
