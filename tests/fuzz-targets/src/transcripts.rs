//! Dispute bundles: files that anybody may bring.

use protocol::transcript::TranscriptFile;
use protocol::{Body, Envelope, HexBytes, Session};
use serde_json::Value;
use terms::{Hex32, canonical};

use crate::bundles::{Talk, buyer, file, negotiated, provider, settled};

/// A file as it is, and once more with the parties' own signatures over whatever its envelopes say.
pub fn transcript(bytes: &[u8]) -> bool {
    let taken = holds(bytes);
    let Ok(read) = TranscriptFile::parse(bytes) else { return taken };
    match resigned(&read) {
        Some(envelopes) => holds(&canonical::bytes(&TranscriptFile { envelopes, ..read })) || taken,
        None => taken,
    }
}

/// What is taken shows no more than it holds, and shows the same again.
fn holds(bytes: &[u8]) -> bool {
    let Ok(verdict) = transcript::verify(bytes) else { return false };
    let read = TranscriptFile::parse(bytes).expect("what is verified can be read");
    assert_eq!(verdict.envelopes, read.envelopes.len());
    assert!(verdict.funding_txid.is_some() || (read.funding_tx.is_none() && read.closing_tx.is_none()));
    assert!(verdict.settlement.is_none() || !read.attestations.is_empty());
    assert_eq!(verdict.closing.is_some(), read.closing_tx.is_some());
    if let Some(agreed) = &verdict.agreed {
        assert_eq!(agreed.terms_hash, agreed.agreement.terms_hash());
        let total = agreed.agreement.total_sat();
        let paid = verdict.settlement.as_ref().map(|paid| paid.provider_sat.0 + paid.buyer_sat.0);
        assert!(paid.is_none_or(|paid| paid == total.0), "all of it is paid");
    }
    assert_eq!(transcript::verify(&canonical::bytes(&read)).as_ref(), Ok(&verdict), "in any spelling");
    true
}

/// The same bodies from the same sides, chained and signed anew.
fn resigned(read: &TranscriptFile) -> Option<Vec<Value>> {
    let first = field(read.envelopes.first()?, "from")?;
    let mut session: Option<Session> = None;
    let mut envelopes = Vec::new();
    for value in &read.envelopes {
        let body = Body::from_value(value.get("body")?.clone()).ok()?;
        let by = if field(value, "from")? == first { buyer() } else { provider() };
        let to = if field(value, "from")? == first { provider() } else { buyer() };
        let (id, to) = (field(value, "id")?, protocol::public_key(&to));
        let moment = |name| serde_json::from_value(value.get(name)?.clone()).ok();
        let (at, expires) = (moment("at")?, moment("expires")?);
        let draft = match &session {
            None => Session::first(field(value, "session")?, id, to, at, expires, body)
                .in_version(value.get("v")?.as_u64()?),
            Some(session) => session.next(id, to, at, expires, body),
        };
        let envelope = Envelope::seal(draft, &by).ok()?;
        match &mut session {
            Some(session) => session.push(&envelope).ok()?,
            none => *none = Some(Session::open(&envelope).ok()?),
        }
        envelopes.push(serde_json::from_slice(&envelope.bytes()).ok()?);
    }
    Some(envelopes)
}

fn field(value: &Value, name: &str) -> Option<Hex32> {
    Hex32::parse(value.get(name)?.as_str()?)
}

/// A negotiation, a settled escrow, and this with parts that are not its own.
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let whole = settled();
    let swapped = TranscriptFile { closing_tx: whole.funding_tx.clone(), ..whole.clone() };
    let unread = TranscriptFile { attestations: vec![HexBytes(vec![0xd8, 0x68])], ..whole.clone() };
    let mut asked = Talk::new();
    let offer_id = crate::bundles::offer().id;
    asked.say(&buyer(), Body::Rfq { offer_id });
    let files = [
        ("settled", whole),
        ("negotiated", file(&negotiated())),
        ("asked", file(&asked)),
        ("another-closing", swapped),
        ("a-broken-attestation", unread),
    ];
    files.into_iter().map(|(name, file)| ("transcript", name.to_owned(), canonical::bytes(&file))).collect()
}
