//! Dispute bundles, and finished escrows as references: files that anybody may bring.

use protocol::reference::ReferenceFile;
use protocol::transcript::TranscriptFile;
use protocol::{Body, Envelope, HexBytes, Session};
use serde_json::Value;
use terms::{Hex32, Side, canonical};

use crate::bundles;
use crate::bundles::{Talk, buyer, file, negotiated, provider, settled, settled_at};

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

/// A reference as it is, and once more with the contract key's own signature over whatever it claims.
pub fn reference(bytes: &[u8]) -> bool {
    let taken = shows(bytes);
    let Ok(read) = ReferenceFile::parse(bytes) else { return taken };
    let verdict = transcript::verify(&canonical::bytes(&read.transcript));
    let signable = verdict.is_ok_and(|verdict| verdict.agreed.is_some() && verdict.funding_txid.is_some());
    if !signable {
        return taken;
    }
    let signed = bundles::reference(read.transcript, read.by);
    shows(&ReferenceFile { funding_block: read.funding_block, ..signed }.canonical()) || taken
}

/// What is taken shows an end that its transcript shows, and the same again.
fn shows(bytes: &[u8]) -> bool {
    let Ok(shown) = transcript::reference::verify(bytes) else { return false };
    let read = ReferenceFile::parse(bytes).expect("what is verified can be read");
    let verdict = transcript::verify(&canonical::bytes(&read.transcript)).expect("its transcript holds");
    let finished = &shown.finished;
    assert_eq!(Some(finished.funding_txid), verdict.funding_txid);
    assert_eq!(Some(finished.closing_txid), verdict.closing.map(|closing| closing.txid));
    assert_eq!((finished.provider, finished.buyer), (verdict.provider, verdict.buyer));
    assert_eq!((shown.funding_block, shown.closing_block), (read.funding_block, read.closing_block));
    assert_eq!(finished.promised_ppm.is_some(), finished.measured_ppm.is_some());
    assert_eq!(transcript::reference::verify(&read.canonical()).as_ref(), Ok(&shown), "in any spelling");
    true
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
    let transcripts =
        files.into_iter().map(|(name, file)| ("transcript", name.to_owned(), canonical::bytes(&file)));
    transcripts.chain(reference_seeds()).collect()
}

/// A reference of either party, and one whose end its attestation does not tell.
fn reference_seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let crossed = TranscriptFile { attestations: settled_at(3).attestations, ..settled() };
    let kept = bundles::reference(settled_at(3), Side::Provider);
    let files = [
        ("breached", bundles::reference(settled(), Side::Buyer)),
        ("another-outcome", ReferenceFile { transcript: crossed, ..kept.clone() }),
        ("kept", kept),
    ];
    files.into_iter().map(|(name, file)| ("reference", name.to_owned(), file.canonical())).collect()
}
