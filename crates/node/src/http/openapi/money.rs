//! The wallet.

use openapi::{Body, Operation};

use super::words::{UNKNOWN, dry, one, post};

const TAG: &str = "money";

pub(super) const OPERATIONS: &[Operation] = &[
    one(
        "/v1/balance",
        "balance",
        TAG,
        "What the wallet has, and what live escrows lock",
        &[(200, Body::Json("Balance"), "In satoshis")],
    ),
    one(
        "/v1/transactions",
        "transactions",
        TAG,
        "The wallet's transactions",
        &[(200, Body::ListOf("TransactionView"), "The newest first")],
    ),
    Operation {
        refusals: UNKNOWN,
        ..one(
            "/v1/supply",
            "supply",
            TAG,
            "The coins that are kept ready for escrows",
            &[(200, Body::Json("SupplyView"), "How many there are, and what it waits for")],
        )
    },
    Operation {
        refusals: UNKNOWN,
        ..one(
            "/v1/sweep",
            "sweep",
            TAG,
            "The schedule of sweeps to the cold address",
            &[(200, Body::Json("SweepView"), "The next moment, and what became of the last")],
        )
    },
    one(
        "/v1/receipts",
        "receipts",
        TAG,
        "One line for each movement of money, in a signed chain",
        &[(200, Body::Lines, "For `earnest receipts verify`")],
    ),
    post(
        "/v1/addresses",
        "newAddress",
        TAG,
        "An address that was not given out before",
        "AddressRequest",
        &[(200, Body::Json("Address"), "The address")],
    ),
    Operation {
        refusals: &[
            (403, "The mandate does not allow it"),
            (422, "Not enough confirmed coins, or the Idempotency-Key was used before with another request"),
        ],
        ..dry(post(
            "/v1/withdrawals",
            "withdraw",
            TAG,
            "Pay from free coins: an amount, or everything",
            "WithdrawalRequest",
            &[(200, Body::Either("Withdrawal", "DryRun"), "The transaction that was broadcast")],
        ))
    },
];
