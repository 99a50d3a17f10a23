//! What a node's events mean to a reader.

use protocol::owner::HistoryEntry;

/// An event in words, with its place among what happens in the same second; `None` for one that says nothing new to
/// a reader.
pub(super) fn event(entry: &HistoryEntry) -> Option<(u8, String)> {
    let (place, words) = match entry.event.as_str() {
        "offer_made" => (1, "makes the DLC offer; its coins are reserved"),
        "offer_taken" => (2, "checks the offer and accepts; signs every closing transaction"),
        "accept_taken" => (3, "checks every closing transaction, signs them all and its coins"),
        "sign_taken" => (4, "checks the signatures; the funding transaction is complete"),
        "attested" => (5, "takes the oracle's attestation"),
        "cet_built" => (6, "completes the one closing transaction that the attestation unlocks"),
        "refund_built" => (6, "completes the refund"),
        "cancel_built" => (6, "takes its coins back"),
        "abandoned" => (6, "gives up; its coins are free again"),
        "observed" => (7, observed(entry)?),
        _ => return None,
    };
    Some((place, words.to_owned()))
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
