//! Every escrow as both nodes hold it, and as the chain shows it.

use anyhow::Context as _;
use protocol::HexBytes;
use protocol::owner::{ClosingKind, EscrowView};
use terms::{Agreement, Hex32, Sat};

use super::chain::Chain;
use super::director::Director;
use super::trade::{End, Talk};
use crate::market::record::{EscrowRecord, Paid, Settlement};
use crate::record::{Coin, Messages, Split};
use crate::run::transactions::{Both, Placed, account, paid_to, record};

/// An escrow that was agreed about.
pub(super) struct Deal {
    /// The provider's number.
    pub provider: usize,
    /// The buyer's number.
    pub buyer: usize,
    /// What both must hold: the offer's terms at the price that was agreed.
    pub agreed: Option<Agreement>,
    /// As the provider's node shows it, then as the buyer's.
    pub views: [EscrowView; 2],
}

impl Director<'_> {
    /// Every escrow, as both nodes show it.
    pub(super) async fn deals(&self) -> anyhow::Result<Vec<Deal>> {
        let mut deals = Vec::new();
        for talk in &self.talks {
            let Some((id, price)) = talk.agreed() else { continue };
            let provider = talk.choice.provider;
            let mut views = Vec::new();
            for member in [self.world.provider(provider), self.world.buyer(talk.buyer)] {
                let view = member.party.owner.escrow(&id).await?;
                views.push(view.with_context(|| format!("{} does not know escrow {id}", member.name))?);
            }
            let views = <[EscrowView; 2]>::try_from(views).ok().context("two views")?;
            let agreed = self.agreed(talk, price);
            deals.push(Deal { provider, buyer: talk.buyer, agreed, views });
        }
        Ok(deals)
    }

    /// The offer's terms at the price that both took, worked out from the file and the keys alone.
    fn agreed(&self, talk: &Talk, price: Sat) -> Option<Agreement> {
        let End::Told(_) = talk.end else { return None };
        let provider = self.market.providers.get(talk.choice.provider)?;
        let oracle = (self.world.oracle.key, self.world.oracle.client.base());
        let draft = provider.draft(self.market, talk.choice.window, oracle);
        let offer = draft.publish("regtest", self.market.bargain.fee_rate_sat_vb);
        let keys = [self.world.provider(talk.choice.provider), self.world.buyer(talk.buyer)];
        let [provider, buyer] = keys.map(|member| member.party.key);
        Some(Agreement { price_sat: price, ..offer.agreement(provider, buyer) })
    }

    /// What became of an escrow.
    pub(super) fn escrow_record(
        &self,
        deal: &Deal,
        chain: &Chain,
        transcript_verified: bool,
    ) -> anyhow::Result<EscrowRecord> {
        let [view, other] = &deal.views;
        let both = match (&view.messages.offer, &view.messages.accept) {
            (Some(_), Some(_)) => Both::read(&view.messages, &view.agreement)?,
            _ => Both::nothing(),
        };
        let funding = view.funding_txid.and_then(|txid| chain.find(txid));
        let closing = view.closing_txid.and_then(|txid| chain.find(txid));
        let keys = [self.world.provider(deal.provider), self.world.buyer(deal.buyer)];
        let [provider_key, buyer_key] = keys.map(|member| member.party.key);
        let spent = |key: Hex32, view: &EscrowView, brought| {
            account(key, view.state.clone(), brought, (funding, closing), None)
        };
        Ok(EscrowRecord {
            id: view.id.clone(),
            seller: keys[0].name.clone(),
            shopper: keys[1].name.clone(),
            agreement: view.agreement.clone(),
            terms_hash: view.terms_hash,
            outcome: view.outcome.clone(),
            payouts: payouts(view, closing, &both),
            provider: spent(provider_key, view, &both.provider),
            buyer: spent(buyer_key, other, &both.buyer),
            messages: Messages {
                offer: view.messages.offer.as_ref().map(hex),
                accept: view.messages.accept.as_ref().map(hex),
                sign: None,
            },
            transactions: transactions(view, funding, closing, &both),
            transcript_verified,
        })
    }
}

fn hex(bytes: &HexBytes) -> String {
    hex::encode(&bytes.0)
}

fn payouts(view: &EscrowView, closing: Option<&Placed>, both: &Both) -> Paid {
    let agreement = &view.agreement;
    let at_outcome = view.outcome.as_ref().and_then(|outcome| agreement.compile().ok()?.at(outcome));
    let agreed = match view.closing_kind {
        Some(ClosingKind::Refund) => Some(agreement.bond_sat),
        _ => at_outcome,
    };
    let split = |provider_sat: Sat| Split {
        provider_sat,
        buyer_sat: Sat(agreement.total_sat().0.saturating_sub(provider_sat.0)),
    };
    let paid = closing.map(|placed| Split {
        provider_sat: paid_to(Some(&placed.transaction), &both.provider.payout_script),
        buyer_sat: paid_to(Some(&placed.transaction), &both.buyer.payout_script),
    });
    Paid { agreed: agreed.map(split), paid }
}

fn transactions(
    view: &EscrowView,
    funding: Option<&Placed>,
    closing: Option<&Placed>,
    both: &Both,
) -> Settlement {
    let coins: Vec<Coin> = both.provider.coins.iter().chain(&both.buyer.coins).cloned().collect();
    let funding = funding.map(|placed| record("funding", placed, &coins, both));
    let outputs = funding.iter().flat_map(|funding| {
        funding.outputs.iter().map(|output| Coin {
            txid: funding.txid.clone(),
            vout: output.vout,
            value_sat: output.value_sat,
        })
    });
    let locked: Vec<Coin> = outputs.collect();
    let kind = match view.closing_kind {
        Some(ClosingKind::Cet) => "cet",
        Some(ClosingKind::Refund) => "refund",
        Some(ClosingKind::Close) => "close",
        Some(ClosingKind::Other) | None => "other",
    };
    let settling = closing.map(|placed| record(kind, placed, &locked, both));
    Settlement { funding, settling }
}
