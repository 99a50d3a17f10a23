//! Standing orders and standing offers.

use openapi::{Body, Operation};

use super::words::{BUY, PROVIDE, UNKNOWN, dry, one, post};

const TAG: &str = "standing";

const ORDER: &[(u16, Body, &str)] = &[(200, Body::Json("OrderView"), "How it stands")];
const OFFER: &[(u16, Body, &str)] = &[(200, Body::Json("StandingOfferView"), "How it stands")];

const GIVING: &[(u16, &str)] = &[
    (404, "There is no such escrow or offer"),
    (410, "The offer has expired"),
    (502, "The provider answered with nonsense, or not at all"),
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        auth: BUY,
        refusals: GIVING,
        ..dry(post(
            "/v1/orders",
            "createOrder",
            TAG,
            "Buy a service's windows one after another, within the mandate",
            "OrderRequest",
            &[(200, Body::Either("OrderView", "DryRun"), "How it stands")],
        ))
    },
    one(
        "/v1/orders",
        "orders",
        TAG,
        "All standing orders, without what their terms may pay",
        &[(200, Body::ListOf("OrderView"), "The newest first")],
    ),
    Operation {
        refusals: UNKNOWN,
        ..one("/v1/orders/{id}", "order", TAG, "One of them, and what came of each window", ORDER)
    },
    Operation {
        auth: BUY,
        refusals: UNKNOWN,
        ..post(
            "/v1/orders/{id}/cancel",
            "cancelOrder",
            TAG,
            "Cancel one at once; what has begun to lock goes on",
            "DecisionRequest",
            ORDER,
        )
    },
    Operation {
        auth: PROVIDE,
        ..dry(post(
            "/v1/standing-offers",
            "createStandingOffer",
            TAG,
            "Publish an offer for each window of a sequence, ahead of time",
            "StandingOfferRequest",
            &[(200, Body::Either("StandingOfferView", "DryRun"), "How it stands")],
        ))
    },
    one(
        "/v1/standing-offers",
        "standingOffers",
        TAG,
        "All standing offers",
        &[(200, Body::ListOf("StandingOfferView"), "The newest first")],
    ),
    Operation {
        refusals: UNKNOWN,
        ..one(
            "/v1/standing-offers/{id}",
            "standingOffer",
            TAG,
            "One of them, and what it has published",
            OFFER,
        )
    },
    Operation {
        auth: PROVIDE,
        refusals: UNKNOWN,
        ..post(
            "/v1/standing-offers/{id}/cancel",
            "cancelStandingOffer",
            TAG,
            "Cancel one; offers that it has published stay until they expire",
            "DecisionRequest",
            OFFER,
        )
    },
];
