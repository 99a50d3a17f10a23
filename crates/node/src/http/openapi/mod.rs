//! `/v1/openapi.json`: the owner's API as OpenAPI 3.1 describes one.
//!
//! Each module below has a line for every route of its subject, and a test compares them with the router and with who its
//! guards let through. Shapes of bodies come from the types that are read and written: a new one is named in [`register`].

mod authority;
mod deals;
mod escrows;
mod events;
mod money;
mod reputation;
mod standing;
mod system;
mod words;

use std::sync::OnceLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use openapi::{Api, Operation};
use protocol::reference::ReferenceFile;
use protocol::transcript::TranscriptFile;
use protocol::{Offer, OfferDraft, Problem, owner};
use schemars::SchemaGenerator;
use serde_json::{Value, json};

/// How every route may refuse.
const ALWAYS: &[(u16, &str)] = &[
    (500, "A fault of the node's own; its log says which"),
    (503, "The disk is full, or somebody who is needed is away: try again"),
];

/// How those refuse that want a token.
const GUARDED: &[(u16, &str)] = &[
    (401, "The token is missing, or nobody's"),
    (403, "The delegated key has not the scope, or the mandate does not allow it"),
];

/// How those refuse that take a body.
const POSTED: &[(u16, &str)] = &[
    (400, "The body breaks a rule; `field` says where"),
    (413, "The body is larger than 256 KiB"),
    (415, "The body says that it is no JSON"),
    (422, "The Idempotency-Key was used before, with another request"),
];

/// The description, for whoever asks.
pub(super) async fn serve() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| format!("{:#}\n", document())).as_str();
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Every route and method.
fn operations() -> Vec<Operation> {
    let subjects = [
        system::OPERATIONS,
        money::OPERATIONS,
        deals::OPERATIONS,
        escrows::OPERATIONS,
        reputation::OPERATIONS,
        standing::OPERATIONS,
        authority::OPERATIONS,
        events::OPERATIONS,
    ];
    subjects.concat()
}

fn document() -> Value {
    let operations = operations();
    let api = Api {
        title: "Earnest node: the owner's API",
        version: env!("CARGO_PKG_VERSION"),
        description: "What an owner, or an agent with a delegated key, asks of their own node over loopback. Refusals are \
                      RFC 9457 problem details. Every POST takes an Idempotency-Key: the same key and request have the \
                      same answer, for a week and across restarts; another request under it is refused (422). \
                      docs/node.md tells what each route means.",
        operations: &operations,
        always: ALWAYS,
        guarded: GUARDED,
        posted: POSTED,
        revalidates: false,
        schemas: openapi::schemas(register),
        security: json!({
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "The owner's token, which opens everything, or that of a delegated key with the scope that \
                                stands beside it; `owner` is the owner's alone"
            }
        }),
    };
    api.document()
}

/// The types that bodies are made of.
fn register(generator: &mut SchemaGenerator) {
    generator.subschema_for::<Problem>();
    register_system(generator);
    register_deals(generator);
    register_standing(generator);
    register_authority(generator);
    register_reputation(generator);
}

fn register_system(generator: &mut SchemaGenerator) {
    generator.subschema_for::<owner::Info>();
    generator.subschema_for::<owner::OracleView>();
    generator.subschema_for::<owner::RotationRequest>();
    generator.subschema_for::<owner::IdentityRotation>();
    generator.subschema_for::<owner::TokenRotation>();
    generator.subschema_for::<owner::Balance>();
    generator.subschema_for::<owner::AddressRequest>();
    generator.subschema_for::<owner::Address>();
    generator.subschema_for::<owner::WithdrawalRequest>();
    generator.subschema_for::<owner::Withdrawal>();
    generator.subschema_for::<owner::TransactionView>();
    generator.subschema_for::<owner::SupplyView>();
    generator.subschema_for::<owner::SweepView>();
}

fn register_deals(generator: &mut SchemaGenerator) {
    generator.subschema_for::<Offer>();
    generator.subschema_for::<owner::ListingView>();
    generator.subschema_for::<owner::ListingRequest>();
    generator.subschema_for::<owner::ListingWish>();
    generator.subschema_for::<OfferDraft>();
    generator.subschema_for::<TranscriptFile>();
    generator.subschema_for::<owner::PurchaseRequest>();
    generator.subschema_for::<owner::Purchase>();
    generator.subschema_for::<owner::NegotiationRequest>();
    generator.subschema_for::<owner::NegotiationView>();
    generator.subschema_for::<owner::CounterRequest>();
    generator.subschema_for::<owner::AcceptRequest>();
    generator.subschema_for::<owner::RejectRequest>();
    generator.subschema_for::<owner::WithdrawRequest>();
    generator.subschema_for::<owner::EscrowView>();
    generator.subschema_for::<owner::RenewalRequest>();
    generator.subschema_for::<owner::CloseRequest>();
    generator.subschema_for::<owner::CloseView>();
    generator.subschema_for::<owner::ProposalRequest>();
    generator.subschema_for::<owner::Alarm>();
}

fn register_standing(generator: &mut SchemaGenerator) {
    generator.subschema_for::<owner::OfferView>();
    generator.subschema_for::<owner::OrderRequest>();
    generator.subschema_for::<owner::OrderView>();
    generator.subschema_for::<owner::StandingOfferRequest>();
    generator.subschema_for::<owner::StandingOfferView>();
}

fn register_authority(generator: &mut SchemaGenerator) {
    generator.subschema_for::<owner::MandateView>();
    generator.subschema_for::<owner::DecisionRequest>();
    generator.subschema_for::<owner::PauseView>();
    generator.subschema_for::<owner::KeyRequest>();
    generator.subschema_for::<owner::KeySecret>();
    generator.subschema_for::<owner::KeyView>();
    generator.subschema_for::<owner::KeyRequestView>();
    generator.subschema_for::<owner::ApprovalView>();
    generator.subschema_for::<owner::EventsPage>();
    generator.subschema_for::<owner::DryRun>();
}

fn register_reputation(generator: &mut SchemaGenerator) {
    generator.subschema_for::<ReferenceFile>();
    generator.subschema_for::<owner::ReputationView>();
    generator.subschema_for::<owner::Finished>();
    generator.subschema_for::<owner::FetchRequest>();
    generator.subschema_for::<owner::Fetched>();
    generator.subschema_for::<owner::PresentedView>();
    generator.subschema_for::<owner::PresentRequest>();
}

#[cfg(test)]
mod tests;
