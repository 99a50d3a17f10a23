//! What a node's events mean to a reader.

use protocol::owner::HistoryEntry;

/// An event in words; `None` for one that says nothing new to a reader.
pub(super) fn event(entry: &HistoryEntry) -> Option<String> {
    let words = match entry.event.as_str() {
        "offer_made" => "makes the DLC offer; its coins are reserved",
        "offer_taken" => "checks the offer and accepts; signs every closing transaction",
        "accept_taken" => "checks every closing transaction, signs them all and its coins",
        "sign_taken" => "checks the signatures; the funding transaction is complete",
        "attested" => "takes the oracle's attestation",
        "cet_built" => "completes the one closing transaction that the attestation unlocks",
        "refund_built" => "completes the refund",
        "cancel_built" => "takes its coins back",
        "abandoned" => "gives up; its coins are free again",
        "observed" => return observed(entry).map(str::to_owned),
        _ => return None,
    };
    Some(words.to_owned())
}

fn observed(entry: &HistoryEntry) -> Option<&'static str> {
    match entry.detail.get("status")?.as_str()? {
        "funded" => Some("counts the contract as funded"),
        "settled" => Some("counts the payment as final: settled"),
        "refunded" => Some("counts the refund as final: refunded"),
        "cancelled" => Some("counts the escrow as cancelled"),
        "unknown_spend" => Some("sees the contract spent by a transaction that it does not know"),
        _ => None,
    }
}
