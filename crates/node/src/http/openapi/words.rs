//! What the descriptions of many routes have in common.

use openapi::{Body, Operation, Parameter, Way, header, query};

/// The security scheme.
const TOKEN: &str = "token";

/// The owner's token alone.
pub(super) const OWNER: &[Way] = &[Way::Scoped(TOKEN, "owner")];
/// That, and delegated keys that may read.
pub(super) const READ: &[Way] = &[Way::Scoped(TOKEN, "read")];
/// That, and delegated keys that may buy.
pub(super) const BUY: &[Way] = &[Way::Scoped(TOKEN, "buy")];
/// That, and delegated keys that may provide.
pub(super) const PROVIDE: &[Way] = &[Way::Scoped(TOKEN, "provide")];
/// That, and delegated keys that may do one of both, each in what is in its own name.
pub(super) const COMMIT: &[Way] = &[Way::Scoped(TOKEN, "buy"), Way::Scoped(TOKEN, "provide")];
/// That, and delegated keys that may close.
pub(super) const CLOSE: &[Way] = &[Way::Scoped(TOKEN, "close")];

/// There is no such thing.
pub(super) const UNKNOWN: &[(u16, &str)] = &[(404, "There is no such thing")];

/// How a purchase, or what is like one, may be refused beside everything else.
pub(super) const DEAL: &[(u16, &str)] = &[
    (403, "The mandate does not allow it, or the owner has to approve it first"),
    (404, "There is no such offer, or no announcement of its event"),
    (409, "What was quoted is not the offer"),
    (410, "The offer has expired"),
    (422, "Not enough confirmed coins, or the Idempotency-Key was used before with another request"),
    (502, "The provider or an oracle answered with nonsense, or not at all"),
];

/// Once under each key.
pub(super) const ONCE: &[Parameter] = &[header(
    "Idempotency-Key",
    "string",
    "1 to 128 visible characters: the same request under it acts once",
)];

/// That, or only what it would come to.
pub(super) const ONCE_OR_DRY: &[Parameter] = &[
    ONCE[0],
    query(
        "dry_run",
        "boolean",
        "true: the same checks, and a DryRun as the answer; nothing is stored, sent or signed",
    ),
];

/// The same operation, of which a dry run can be had.
pub(super) const fn dry(operation: Operation) -> Operation {
    Operation { parameters: ONCE_OR_DRY, ..operation }
}

/// A GET of one thing.
pub(super) const fn one(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    answers: &'static [(u16, Body, &'static str)],
) -> Operation {
    Operation { path, id, tag, summary, answers, auth: READ, ..Operation::GET }
}

/// A POST, of the owner's alone unless more is said.
pub(super) const fn post(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    body: &'static str,
    answers: &'static [(u16, Body, &'static str)],
) -> Operation {
    let (method, body, parameters) = ("post", Some(Body::Json(body)), ONCE);
    Operation { method, path, id, tag, summary, body, answers, parameters, auth: OWNER, ..Operation::GET }
}
