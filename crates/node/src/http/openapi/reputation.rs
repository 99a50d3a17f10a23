//! Reputation: what is known of providers, and what is presented to others.

use openapi::{Body, Operation};

use super::words::{BUY, one, post};

const TAG: &str = "reputation";

const UNFINISHED: &[(u16, &str)] = &[
    (400, "What it would show is no good as a reference, or 200 escrows are presented already"),
    (404, "There is no such escrow, or its transactions are in no block that is looked at"),
    (409, "It is not finished"),
];

const PRESENTED: &[(u16, Body, &str)] = &[(200, Body::Json("PresentedView"), "Whether others can see it")];

pub(super) const OPERATIONS: &[Operation] = &[
    one(
        "/v1/reputation/{key}",
        "reputation",
        TAG,
        "How a provider kept what it promised, as the chain has it now",
        &[(200, Body::Json("ReputationView"), "What is known, and what of it counts")],
    ),
    Operation {
        auth: BUY,
        refusals: &[(502, "The provider answered with nonsense, or not at all")],
        ..post(
            "/v1/reputation/fetch",
            "fetchReferences",
            TAG,
            "Read one page of what a provider presents, verify and keep it",
            "FetchRequest",
            &[(200, Body::Json("Fetched"), "What was verified, and what refused")],
        )
    },
    Operation {
        auth: BUY,
        refusals: &[
            (409, "1,000 references of this provider are kept already"),
            (413, "The body is larger than 8 MiB"),
        ],
        ..post(
            "/v1/reputation/verify",
            "verifyReference",
            TAG,
            "Verify a reference that somebody handed over, and keep it",
            "ReferenceFile",
            &[(200, Body::Json("Finished"), "What it shows")],
        )
    },
    one(
        "/v1/references",
        "presented",
        TAG,
        "The escrows that were chosen to be presented",
        &[(200, Body::ListOf("PresentedView"), "By their hashes")],
    ),
    Operation {
        refusals: UNFINISHED,
        ..one(
            "/v1/escrows/{id}/reference",
            "reference",
            TAG,
            "A finished escrow as a reference, for whoever is to verify it",
            &[(200, Body::Json("ReferenceFile"), "For `earnest reputation verify`")],
        )
    },
    Operation {
        refusals: UNFINISHED,
        ..post(
            "/v1/escrows/{id}/present",
            "present",
            TAG,
            "Let anybody read a finished escrow, where the configuration publishes any",
            "PresentRequest",
            PRESENTED,
        )
    },
    Operation {
        refusals: &[(404, "It is not presented")],
        ..post(
            "/v1/escrows/{id}/withhold",
            "withhold",
            TAG,
            "Present an escrow no more",
            "PresentRequest",
            PRESENTED,
        )
    },
];
