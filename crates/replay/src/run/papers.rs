//! Asking nodes and oracle for what they keep besides the escrow: receipts, transcripts, and why probes failed.

use anyhow::Context as _;
use protocol::owner::EscrowView;
use terms::{TimeRange, canonical};

use super::director::Director;
use super::parties::Struck;
use crate::papers::{Book, Keys, Word, words};
use crate::record::Record;
use crate::{seen, stored};

/// As bytes for files: each node's receipts, by whose they are, and the transcript.
type Kept = (Vec<(&'static str, Vec<u8>)>, Option<Vec<u8>>);

/// What the nodes keep, as far as they live.
#[derive(Debug, Default)]
struct Papers {
    books: Vec<Book>,
    /// The words of the longest transcript: one of the two may have heard less.
    words: Vec<Word>,
    /// What is wrong with transcripts that don't verify.
    faults: Vec<String>,
    /// The exported receipts, by whose they are.
    receipts: Vec<(&'static str, Vec<u8>)>,
    /// The transcript that the words are from.
    transcript: Option<Vec<u8>>,
}

impl Director<'_> {
    /// What the nodes have stored, and what follows from it.
    pub(super) async fn look_at_papers(
        &self,
        deal: &Struck,
        views: &[Option<EscrowView>; 2],
        record: &mut Record,
    ) -> anyhow::Result<Kept> {
        let papers = self.papers(deal).await.context("receipts and transcripts")?;
        record.checks.extend(stored::events(self.scenario, views));
        record.checks.extend(stored::receipts(self.scenario, &papers.books));
        record.checks.push(stored::transcripts(&papers.faults));
        (record.receipts, record.negotiation) = (papers.books, papers.words);
        Ok((papers.receipts, papers.transcript))
    }

    /// What the oracle saw of each phase.
    pub(super) async fn look_at_failures(
        &self,
        deal: &Struck,
        oracle: usize,
        record: &mut Record,
    ) -> anyhow::Result<()> {
        let alive = self.world.oracles.get(oracle).filter(|oracle| oracle.service.is_alive());
        let Some(oracle) = alive else { return Ok(()) };
        let Some(csv) = oracle.client.failures(&deal.event_id).await? else { return Ok(()) };
        let failures = seen::failures(&String::from_utf8_lossy(&csv));
        for phase in &mut record.scenario.phases {
            let range = TimeRange { start: phase.start, end: phase.end };
            phase.seen = Some(seen::within(range, &record.measurement, &failures));
        }
        Ok(())
    }

    async fn papers(&self, deal: &Struck) -> anyhow::Result<Papers> {
        let world = &self.world;
        let keys = Keys { provider: world.provider.key, buyer: world.buyer.key };
        let mut papers = Papers::default();
        for (name, party) in [("provider", &world.provider), ("buyer", &world.buyer)] {
            if !party.service.is_alive() {
                continue;
            }
            let text = party.owner.receipts().await?;
            papers.books.push(Book::read(name, party.key, &text, keys));
            papers.receipts.push((name, text.into_bytes()));
            let Some(file) = party.owner.transcript(&deal.escrow_id).await? else { continue };
            let bytes = canonical::bytes(&file);
            if let Err(fault) = transcript::verify(&bytes) {
                papers.faults.push(format!("the {name}'s: {fault}"));
            }
            let said = words(&file, keys);
            if said.len() > papers.words.len() {
                (papers.words, papers.transcript) = (said, Some(bytes));
            }
        }
        Ok(papers)
    }
}
