//! Offers, purchases, negotiations.

use openapi::{Body, Operation};

use super::words::{BUY, COMMIT, DEAL, PROVIDE, UNKNOWN, dry, one, post};

const TAG: &str = "deals";

const NEGOTIATION: &[(u16, Body, &str)] = &[(200, Body::Json("NegotiationView"), "How it stands")];

/// The same, or what it would come to.
const TALK_OR_DRY: &[(u16, Body, &str)] =
    &[(200, Body::Either("NegotiationView", "DryRun"), "How it stands")];

const WORD: &[(u16, &str)] = &[
    (404, "There is no such negotiation"),
    (409, "It is not our turn, or other terms stand"),
    (410, "What was proposed has expired"),
    (503, "Our last word is still on its way, or the disk is full: try again"),
];

/// A word in a negotiation.
const fn word(path: &'static str, id: &'static str, summary: &'static str, body: &'static str) -> Operation {
    Operation { auth: COMMIT, refusals: WORD, ..dry(post(path, id, TAG, summary, body, TALK_OR_DRY)) }
}

pub(super) const OPERATIONS: &[Operation] = &[
    one(
        "/v1/offers",
        "offers",
        TAG,
        "What this node has published",
        &[(200, Body::ListOf("Offer"), "What expires first in front")],
    ),
    Operation {
        refusals: UNKNOWN,
        ..one(
            "/v1/offers/{id}",
            "offer",
            TAG,
            "One of them, and what it may pay",
            &[(200, Body::Json("OfferView"), "The offer")],
        )
    },
    Operation {
        auth: PROVIDE,
        refusals: &[
            (409, "An oracle has another key by now"),
            (410, "It has expired"),
            (502, "An oracle answered with nonsense, or not at all"),
        ],
        ..dry(post(
            "/v1/offers",
            "publishOffer",
            TAG,
            "Have the oracles announce the measurement, and put the offer on the card",
            "OfferDraft",
            &[(200, Body::Either("Offer", "DryRun"), "The offer, with its id")],
        ))
    },
    Operation {
        refusals: UNKNOWN,
        ..one(
            "/v1/listing",
            "listing",
            TAG,
            "The own listing in directories",
            &[(200, Body::Json("ListingView"), "What was signed last, and how each directory stands")],
        )
    },
    Operation {
        refusals: UNKNOWN,
        ..post(
            "/v1/listing/withdraw",
            "withdrawListing",
            TAG,
            "Take the listing back from the directories",
            "ListingRequest",
            &[(200, Body::Json("ListingWish"), "What they are told from now on")],
        )
    },
    Operation {
        refusals: UNKNOWN,
        ..post(
            "/v1/listing/publish",
            "publishListing",
            TAG,
            "Have the node listed again",
            "ListingRequest",
            &[(200, Body::Json("ListingWish"), "What they are told from now on")],
        )
    },
    Operation {
        auth: BUY,
        refusals: DEAL,
        ..dry(post(
            "/v1/purchases",
            "purchase",
            TAG,
            "Take a provider's offer as it is: agree, and lock the escrow",
            "PurchaseRequest",
            &[(200, Body::Either("Purchase", "DryRun"), "Agreed; locking begins")],
        ))
    },
    Operation {
        auth: BUY,
        refusals: DEAL,
        ..dry(post(
            "/v1/negotiations",
            "negotiate",
            TAG,
            "Ask a provider for a quote, and go on by a strategy or by hand",
            "NegotiationRequest",
            TALK_OR_DRY,
        ))
    },
    one(
        "/v1/negotiations",
        "negotiations",
        TAG,
        "The newest negotiations",
        &[(200, Body::ListOf("NegotiationView"), "At most 200")],
    ),
    Operation {
        refusals: UNKNOWN,
        ..one(
            "/v1/negotiations/{id}",
            "negotiation",
            TAG,
            "What stands, whose turn it is, everything that was said",
            NEGOTIATION,
        )
    },
    word("/v1/negotiations/{id}/counter", "counter", "Propose another price or bond", "CounterRequest"),
    word("/v1/negotiations/{id}/accept", "accept", "Take what the other side proposed last", "AcceptRequest"),
    word(
        "/v1/negotiations/{id}/reject",
        "reject",
        "Do not take what the other side proposed last",
        "RejectRequest",
    ),
    word(
        "/v1/negotiations/{id}/withdraw",
        "withdrawCounter",
        "Take the own last proposal back",
        "WithdrawRequest",
    ),
];
