//! The owner's client of their own node.

use std::time::Duration;

use protocol::owner::{
    AcceptRequest, Address, AddressRequest, Alarm, Balance, CloseRequest, CloseView, CounterRequest, DRY_RUN,
    DecisionRequest, DryRun, EscrowView, IdentityRotation, Info, NegotiationRequest, NegotiationView,
    OfferView, OracleView, OrderRequest, ProposalRequest, Purchase, PurchaseRequest, RenewalRequest,
    RotationRequest, StandingOfferRequest, SupplyView, SweepView, TokenRotation, TransactionView, Withdrawal,
    WithdrawalRequest,
};
use protocol::transcript::TranscriptFile;
use protocol::{Offer, OfferDraft};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ClientError;
use crate::http::Http;

/// A purchase waits for the peer's answers, so the owner waits longer than anybody.
const TIMEOUT: Duration = Duration::from_secs(180);

/// A detailed escrow holds three DLC messages as hex.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Talks to one's own node. POSTs take an idempotency key: with the same key and body, asking
/// again gives the same answer and does nothing twice.
#[derive(Clone, Debug)]
pub struct OwnerClient {
    pub(crate) http: Http,
}

/// A request that commits money, of which a dry run can be had.
#[derive(Clone, Copy, Debug)]
pub enum Rehearsed<'a> {
    /// Pay from free coins.
    Withdrawal(&'a WithdrawalRequest),
    /// Publish an offer.
    Offer(&'a OfferDraft),
    /// Take a provider's offer.
    Purchase(&'a PurchaseRequest),
    /// Ask a provider for a quote.
    Negotiation(&'a NegotiationRequest),
    /// Propose terms in a negotiation.
    Counter(&'a str, &'a CounterRequest),
    /// Take the terms that stand in a negotiation.
    Accept(&'a str, &'a AcceptRequest),
    /// Give a standing order.
    Order(&'a OrderRequest),
    /// Give a standing offer.
    StandingOffer(&'a StandingOfferRequest),
    /// Renew an escrow.
    Renewal(&'a str),
    /// Propose to close an escrow.
    Close(&'a str, &'a CloseRequest),
    /// Sign the other side's proposal to close an escrow.
    ApproveClose(&'a str, &'a ProposalRequest),
    /// Agree to a commitment, by the hash of its terms.
    Approval(&'a str),
}

impl OwnerClient {
    /// A client of the node at `base`, with the bearer token from its data folder.
    ///
    /// # Errors
    /// [`ClientError::BaseUrl`]
    pub fn new(base: &str, token: &str) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(base, TIMEOUT)?.with_token(token) })
    }

    /// Whether the node is ready to serve. Unreachable counts as no.
    pub async fn ready(&self) -> bool {
        self.http.get("/readyz", MAX_ANSWER_BYTES).await.is_ok()
    }

    /// Who and where the node is.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn info(&self) -> Result<Info, ClientError> {
        self.get("/v1/info").await
    }

    /// Takes the next identity key.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn rotate_identity(&self, idempotency_key: &str) -> Result<IdentityRotation, ClientError> {
        self.post("/v1/identity-rotations", &RotationRequest {}, idempotency_key).await
    }

    /// Has the node write a new token into its file; this client's is refused from then on.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn rotate_token(&self, idempotency_key: &str) -> Result<TokenRotation, ClientError> {
        self.post("/v1/token-rotations", &RotationRequest {}, idempotency_key).await
    }

    /// What the wallet holds.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn balance(&self) -> Result<Balance, ClientError> {
        self.get("/v1/balance").await
    }

    /// A new address to receive at.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn new_address(&self, idempotency_key: &str) -> Result<Address, ClientError> {
        self.post("/v1/addresses", &AddressRequest {}, idempotency_key).await
    }

    /// Sends coins away.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn withdraw(
        &self,
        request: &WithdrawalRequest,
        idempotency_key: &str,
    ) -> Result<Withdrawal, ClientError> {
        self.post("/v1/withdrawals", request, idempotency_key).await
    }

    /// The wallet's transactions, newest first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn transactions(&self) -> Result<Vec<TransactionView>, ClientError> {
        self.get("/v1/transactions").await
    }

    /// The supply of coins for escrows; `None` where the configuration has none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn supply(&self) -> Result<Option<SupplyView>, ClientError> {
        self.get_if_any("/v1/supply").await
    }

    /// The scheduled sweep; `None` where the configuration has none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn sweep(&self) -> Result<Option<SweepView>, ClientError> {
        self.get_if_any("/v1/sweep").await
    }

    /// Publishes an offer on the node's card.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_offer(
        &self,
        draft: &OfferDraft,
        idempotency_key: &str,
    ) -> Result<Offer, ClientError> {
        self.post("/v1/offers", draft, idempotency_key).await
    }

    /// The published offers.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn offers(&self) -> Result<Vec<Offer>, ClientError> {
        self.get("/v1/offers").await
    }

    /// One of them, with what it may pay; `None` when there is none of this id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn offer(&self, id: &str) -> Result<Option<OfferView>, ClientError> {
        self.get_if_any(&format!("/v1/offers/{}", segment(id))).await
    }

    /// Takes a provider's published offer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn purchase(
        &self,
        request: &PurchaseRequest,
        idempotency_key: &str,
    ) -> Result<Purchase, ClientError> {
        self.post("/v1/purchases", request, idempotency_key).await
    }

    /// Asks a provider for a quote, and negotiates from there.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn negotiate(
        &self,
        request: &NegotiationRequest,
        idempotency_key: &str,
    ) -> Result<NegotiationView, ClientError> {
        self.post("/v1/negotiations", request, idempotency_key).await
    }

    /// The newest negotiations, at most two hundred.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn negotiations(&self) -> Result<Vec<NegotiationView>, ClientError> {
        self.get("/v1/negotiations").await
    }

    /// One negotiation; `None` when there is none of this id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn negotiation(&self, id: &str) -> Result<Option<NegotiationView>, ClientError> {
        self.get_if_any(&format!("/v1/negotiations/{}", segment(id))).await
    }

    /// Everything about an escrow or a negotiation that a third party can verify; `None` when there is none of this id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn transcript(&self, id: &str) -> Result<Option<TranscriptFile>, ClientError> {
        self.get_if_any(&format!("/v1/escrows/{}/transcript", segment(id))).await
    }

    /// The owner's word in a negotiation: `counter`, `accept`, `reject` or `withdraw`, each with its own request.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn negotiation_word<B: Serialize>(
        &self,
        id: &str,
        word: &str,
        request: &B,
        idempotency_key: &str,
    ) -> Result<NegotiationView, ClientError> {
        let path = format!("/v1/negotiations/{}/{}", segment(id), segment(word));
        self.post(&path, request, idempotency_key).await
    }

    /// What is wrong with oracles, the newest first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn alarms(&self) -> Result<Vec<Alarm>, ClientError> {
        self.get("/v1/alarms").await
    }

    /// Every receipt, as the JSON lines that `earnest receipts verify` reads.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn receipts(&self) -> Result<String, ClientError> {
        self.http.get("/v1/receipts", MAX_ANSWER_BYTES).await?.text()
    }

    /// The oracles of the configuration, and how their keys stand.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn oracles(&self) -> Result<Vec<OracleView>, ClientError> {
        self.get("/v1/oracles").await
    }

    /// All escrows, without their messages and history.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn escrows(&self) -> Result<Vec<EscrowView>, ClientError> {
        self.get("/v1/escrows").await
    }

    /// One escrow with everything; `None` when there is none of this id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn escrow(&self, id: &str) -> Result<Option<EscrowView>, ClientError> {
        self.get_if_any(&format!("/v1/escrows/{}", segment(id))).await
    }

    pub(crate) async fn get_if_any<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ClientError> {
        match self.get(path).await {
            Err(e) if e.status() == Some(404) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Proposes to close an escrow by agreement.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn close(
        &self,
        id: &str,
        request: &CloseRequest,
        idempotency_key: &str,
    ) -> Result<CloseView, ClientError> {
        self.post(&format!("/v1/escrows/{}/close", segment(id)), request, idempotency_key).await
    }

    /// The owner's word about a proposal to close: `approve`, `refuse` or `withdraw`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn close_word(
        &self,
        id: &str,
        word: &str,
        request: &ProposalRequest,
        idempotency_key: &str,
    ) -> Result<CloseView, ClientError> {
        let path = format!("/v1/escrows/{}/close/{}", segment(id), segment(word));
        self.post(&path, request, idempotency_key).await
    }

    /// Renews an escrow for its next window. Asked again it tells of the same renewal.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn renew(&self, id: &str, idempotency_key: &str) -> Result<Purchase, ClientError> {
        let path = format!("/v1/escrows/{}/renew", segment(id));
        self.post(&path, &RenewalRequest {}, idempotency_key).await
    }

    /// What a POST that commits money would do: the same checks are made, and nothing is stored, sent or signed.
    ///
    /// # Errors
    /// As the request itself.
    async fn rehearse<B: Serialize>(&self, path: &str, body: &B) -> Result<DryRun, ClientError> {
        let path = format!("{path}?{DRY_RUN}");
        self.http.post(&path, terms::canonical::bytes(body), MAX_ANSWER_BYTES).await?.json()
    }

    /// What a request that commits money would do.
    ///
    /// # Errors
    /// As the request itself.
    pub async fn dry_run(&self, what: &Rehearsed<'_>) -> Result<DryRun, ClientError> {
        match what {
            Rehearsed::Withdrawal(request) => self.rehearse("/v1/withdrawals", request).await,
            Rehearsed::Offer(draft) => self.rehearse("/v1/offers", draft).await,
            Rehearsed::Purchase(request) => self.rehearse("/v1/purchases", request).await,
            Rehearsed::Negotiation(request) => self.rehearse("/v1/negotiations", request).await,
            Rehearsed::Counter(id, request) => {
                self.rehearse(&format!("/v1/negotiations/{}/counter", segment(id)), request).await
            }
            Rehearsed::Accept(id, request) => {
                self.rehearse(&format!("/v1/negotiations/{}/accept", segment(id)), request).await
            }
            Rehearsed::Order(request) => self.rehearse("/v1/orders", request).await,
            Rehearsed::StandingOffer(request) => self.rehearse("/v1/standing-offers", request).await,
            Rehearsed::Renewal(id) => {
                self.rehearse(&format!("/v1/escrows/{}/renew", segment(id)), &RenewalRequest {}).await
            }
            Rehearsed::Close(id, request) => {
                self.rehearse(&format!("/v1/escrows/{}/close", segment(id)), request).await
            }
            Rehearsed::ApproveClose(id, request) => {
                self.rehearse(&format!("/v1/escrows/{}/close/approve", segment(id)), request).await
            }
            Rehearsed::Approval(hash) => {
                self.rehearse(&format!("/v1/approvals/{}/approve", segment(hash)), &DecisionRequest {}).await
            }
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.http.get(path, MAX_ANSWER_BYTES).await?.json()
    }

    pub(crate) async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        key: &str,
    ) -> Result<T, ClientError> {
        self.http.post_once(path, body, key, MAX_ANSWER_BYTES).await?.json()
    }
}

/// Escapes what a person typed, so that it stays one segment of the path.
pub(crate) fn segment(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}
