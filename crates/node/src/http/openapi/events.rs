//! What happens, as it happens.

use openapi::{Body, Operation, header, query};

use super::words::one;

const TAG: &str = "events";

const REFUSALS: &[(u16, &str)] = &[
    (400, "A parameter makes no sense"),
    (409, "The node has given no such id: its database is another one by now"),
    (410, "What comes next after this id is forgotten; `detail` says which id comes first"),
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        parameters: &[
            query("after", "integer", "Go on after this id; without it the oldest that is kept comes first"),
            query("limit", "integer", "1 to 500; 100 without it"),
        ],
        refusals: REFUSALS,
        ..one(
            "/v1/events",
            "events",
            TAG,
            "What happened to escrows, negotiations, questions, alarms and payments",
            &[(200, Body::Json("EventsPage"), "The oldest first")],
        )
    },
    Operation {
        parameters: &[
            query("after", "integer", "Go on after this id; without it only what comes from now on"),
            header("Last-Event-ID", "integer", "The same, as browsers say it; goes before `after`"),
        ],
        refusals: REFUSALS,
        ..one(
            "/v1/events/stream",
            "streamEvents",
            TAG,
            "The same as it happens: server-sent events whose id is the event's, with a comment every 15 s",
            &[(200, Body::Events, "`event` is the kind, `data` a NodeEvent")],
        )
    },
];
