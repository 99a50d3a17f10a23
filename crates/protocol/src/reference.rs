//! A reference: one finished escrow, as either party can present it to strangers, with the places where the chain has it.
//!
//! The transcript in it proves what was agreed, attested and paid. Two things it cannot prove alone. Whether the chain has
//! the two transactions, so a reference names their blocks, in which anybody's own Bitcoin node finds them. And whose
//! contract it is: no DLC message names an identity, so whoever has a transcript could put its messages into envelopes of
//! their own. So who presents it signs, with the contract key that the funding output asks for, which two identities the
//! contract was between ([`Claim`]).

use schemars::JsonSchema;
use secp256k1_zkp::Keypair;
use serde::{Deserialize, Serialize};
use terms::{DocumentError, Hex32, Side, TermsHash, canonical};

use crate::bytes::Hex64;
use crate::owner::Role;
use crate::schema;
use crate::signing;
use crate::transcript::TranscriptFile;

/// The file's version.
pub const VERSION: u64 = 1;

/// The BIP340 tag of a claim's hash.
pub const TAG: &str = "earnest/reference/v1";

/// The largest reference that is made or read, in bytes. A contract of some thousand outcomes takes one or two million.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The most references on one page of a list.
pub const PAGE: usize = 10;

/// The most references that a node presents.
pub const MOST_PRESENTED: usize = 200;

/// The largest page that is read, in bytes.
pub const MAX_PAGE_BYTES: usize = 16 * 1024;

/// Where a node lists what it presents.
pub const PATH: &str = "/v1/references";

/// Where one of them is.
pub fn path(hash: Hex32) -> String {
    format!("{PATH}/{hash}")
}

/// Where the page after one of them is; the first page without one.
pub fn page_path(after: Option<Hex32>) -> String {
    after.map_or(PATH.to_owned(), |after| format!("{PATH}?after={after}"))
}

/// One finished escrow. Nothing in it is believed: see `transcript::reference` and the reader's own Bitcoin node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceFile {
    /// [`VERSION`].
    pub v: u64,
    /// What was said, locked, attested and paid.
    pub transcript: TranscriptFile,
    /// The block that has the funding transaction, as explorers show it.
    #[schemars(with = "schema::Bytes32")]
    pub funding_block: Hex32,
    /// The block that has the transaction which spent the funding output.
    #[schemars(with = "schema::Bytes32")]
    pub closing_block: Hex32,
    /// Which of the two parties presents it.
    #[schemars(with = "Role")]
    pub by: Side,
    /// That side's contract key over the [`Claim`].
    pub sig: Hex64,
}

impl ReferenceFile {
    /// Reads a file, strictly and within bounds. Nothing in it is checked yet.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let file: Self = canonical::parse_within(bytes, MAX_BYTES)?;
        if file.v != VERSION {
            return Err(DocumentError::new("v", "must be 1, the only version there is"));
        }
        file.transcript.check_bounds().map_err(|error| error.within("transcript"))?;
        Ok(file)
    }

    /// The canonical form (RFC 8785).
    pub fn canonical(&self) -> Vec<u8> {
        canonical::bytes(self)
    }

    /// Its address: the SHA-256 of its canonical form.
    pub fn hash(&self) -> Hex32 {
        Hex32(canonical::sha256(&self.canonical()))
    }
}

/// Who a contract was between: what who presents a reference signs with their contract key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// The provider's identity key.
    pub provider: Hex32,
    /// The buyer's.
    pub buyer: Hex32,
    /// What they agreed.
    pub terms_hash: TermsHash,
    /// The funding transaction, as explorers show it.
    pub funding_txid: Hex32,
}

impl Claim {
    /// Signs it with a contract key. The same claim always gives the same bytes.
    pub fn seal(&self, contract_key: &Keypair) -> Hex64 {
        signing::sign(signing::tagged_hash(TAG, self), contract_key)
    }

    /// Whether a contract key (x-only) has signed it.
    pub fn is_signed(&self, contract_key: Hex32, sig: Hex64) -> bool {
        signing::verify(signing::tagged_hash(TAG, self), contract_key, sig).is_ok()
    }
}

/// `GET /v1/references`: what a node presents, by its hashes in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferencePage {
    /// At most [`PAGE`] of them.
    pub references: Vec<Hex32>,
    /// What the next page comes after; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Hex32>,
}

impl ReferencePage {
    /// Reads a page. Its hashes ascend from `after` on, so that no list goes on for ever.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(bytes: &[u8], after: Option<Hex32>) -> Result<Self, DocumentError> {
        let page: Self = canonical::parse_within(bytes, MAX_PAGE_BYTES)?;
        if page.references.len() > PAGE {
            return Err(DocumentError::new("references", "must be at most 10"));
        }
        let ascend = after.iter().chain(&page.references).is_sorted_by(|one, next| one < next);
        if !ascend {
            return Err(DocumentError::new("references", "must ascend from the one before this page on"));
        }
        if page.next.is_some() && page.next != page.references.last().copied() {
            return Err(DocumentError::new("next", "must be the last reference of the page"));
        }
        Ok(page)
    }
}
