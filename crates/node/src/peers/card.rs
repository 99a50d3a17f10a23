//! The card: what this node tells anybody about itself, and every offer that can be taken.
//!
//! Checking an offer compiles its schedule, which is dear, and anybody may ask for the card, as often as the limits allow.
//! So a card that was made is given again until an offer is published, its key is rotated, or it is a minute old; and it is
//! made without the lock of the core, so that whoever asks keeps the node from nothing.

use std::collections::BTreeMap;

use bitcoin::secp256k1::Keypair;
use protocol::card::{CardOracle, MAX_OFFERS, More};
use protocol::text::check_url;
use protocol::{Card, CardDraft, Offer, Succession};
use terms::{Hex32, UnixSeconds};
use tokio::sync::Mutex;
use tokio::task::block_in_place;

use crate::config::{Config, OracleConfig};
use crate::error::NodeError;
use crate::node::Node;

/// What the card tells an agent about this node.
const NOTE: &str = "POST envelopes to /v1/envelopes: rfq, then counter or accept, then the DLC messages. See docs/protocol.md.";
/// A card is given for so long, in seconds, and then made anew.
const GIVEN_S: u64 = 60;

/// For which reader a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reader {
    /// Whether it understands offers that are negotiable, which those of version 1 do not.
    pub negotiates: bool,
    /// Whether it understands all of the card.
    pub full: bool,
}

/// The cards that were made last, one for each kind of reader. Whoever finds none makes one, and others who want it wait.
#[derive(Debug, Default)]
pub(crate) struct Cards(Mutex<BTreeMap<Reader, Made>>);

/// A card, and for how long it is right.
#[derive(Debug)]
struct Made {
    bytes: Vec<u8>,
    key: Hex32,
    /// How many offers had been published.
    published: u64,
    at: u64,
    until: u64,
}

/// What a card is made of, as the core has it.
struct Ingredients {
    offers: Vec<Offer>,
    published: u64,
    successions: Vec<Succession>,
    identity: Keypair,
}

impl Node {
    /// The signed card, as bytes.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn card(&self, reader: Reader) -> Result<Vec<u8>, NodeError> {
        let (now, key, published) = (self.now(), self.own_keys().current, *self.published.borrow());
        let mut cards = self.cards.0.lock().await;
        let right = |made: &&Made| {
            (made.key, made.published) == (key, published) && (made.at..made.until).contains(&now)
        };
        if let Some(made) = cards.get(&reader).filter(right) {
            return Ok(made.bytes.clone());
        }
        let ingredients = self.ingredients().await?;
        let made = block_in_place(|| ingredients.make(&self.config, reader, now))?;
        let bytes = made.bytes.clone();
        cards.insert(reader, made);
        Ok(bytes)
    }

    async fn ingredients(&self) -> Result<Ingredients, NodeError> {
        let core = self.core.lock().await;
        Ok(Ingredients {
            offers: core.offers().await?,
            published: *self.published.borrow(),
            successions: core.keys.successions(),
            identity: core.keys.identity,
        })
    }
}

impl Ingredients {
    fn make(self, config: &Config, reader: Reader, now: u64) -> Result<Made, NodeError> {
        let mut offers = self.offers;
        offers.retain(|offer| reader.negotiates || offer.negotiable.is_none());
        // The dear check only for those that are not over.
        offers.retain(|offer| offer.expires.0 > now && offer.check(now).is_ok());
        offers.truncate(MAX_OFFERS);
        let ends = offers.iter().map(|offer| offer.expires.0.min(offer.funding_deadline.0));
        let until = ends.fold(now.saturating_add(GIVEN_S), u64::min);
        let draft = CardDraft {
            network: config.network.clone(),
            offers,
            note: NOTE.to_owned(),
            at: UnixSeconds(now),
            latest: config.max_protocol_version,
            more: if reader.full { more(config) } else { More::default() },
        };
        let card = Card::seal_after(draft, self.successions, &self.identity)?;
        Ok(Made { bytes: card.bytes(), key: card.key, published: self.published, at: now, until })
    }
}

/// What anybody may know of this node besides its offers; nothing of the mandate is among it.
fn more(config: &Config) -> More {
    let oracle = |it: &OracleConfig| CardOracle { key: it.key, url: it.url.clone() };
    // One whose address is not one that a card may hold is left out, as everybody else's business.
    let oracles = config.oracles.iter().filter(|it| check_url("url", &it.url).is_ok()).map(oracle);
    More { oracles: oracles.collect(), limits: Some(config.limits.for_card()), renews: config.renewal.accept }
}
