//! The pause, how much of the limits is used, and an alarm for each that is nearly used up.

use std::collections::BTreeSet;

use mandate::{DAY_S, History, Usage};
use protocol::owner::{KeyMandateView, MandateView, PauseView, UsageView};
use storage::{Fact, NoticeRow};
use terms::Sat;

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::money::spend::Purpose;
use crate::ticket::Ticket;

/// The kind of a stored notice about a limit.
pub(crate) const LIMIT_NEAR: &str = "limit_near";

impl Core {
    /// Pauses everything, or goes on. Again changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn pause(
        &mut self,
        paused: bool,
        ticket: &Ticket,
        now: u64,
    ) -> Result<PauseView, NodeError> {
        let view = PauseView { paused };
        let facts = vec![(Fact::Paused, if paused { "yes" } else { "no" }.to_owned())];
        self.commit(Change { facts, answer: ticket.answer(&view)?, ..Change::default() }, now).await?;
        self.guard.paused = paused;
        tracing::warn!(paused, "the owner's switch");
        Ok(view)
    }

    /// The limits that hold for whoever asks, and how much of them is used.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn mandate_view(&self, by: Option<&str>, now: u64) -> Result<MandateView, NodeError> {
        let history = self.whole_history(now).await?;
        let limits = serde_json::to_value(&self.config.mandate);
        let key = by.and_then(|name| self.guard.keys.get(name)).map(|key| KeyMandateView {
            key: key.view(),
            usage: key
                .limits
                .as_ref()
                .map_or(Vec::new(), |limits| views(limits.usage(&history.of_key(by.unwrap_or_default())))),
        });
        Ok(MandateView {
            paused: self.guard.paused,
            limits: limits.map_err(|_| NodeError::Damaged { what: "mandate" })?,
            usage: views(self.config.mandate.usage(&history)),
            key,
        })
    }

    /// Tells the owner of each limit that has come to be nearly used up since the last look, once. What is near is stored
    /// with the alarm, so that a restart repeats none and loses none.
    ///
    /// # Errors
    /// When the database fails; the next look tries again.
    pub(crate) async fn watch_limits(&mut self, now: u64) -> Result<(), NodeError> {
        let history = self.whole_history(now).await?;
        let near = self.near_limits(&history);
        let names: BTreeSet<String> = near.iter().map(|(name, _)| name.clone()).collect();
        if names == self.guard.near {
            return Ok(());
        }
        let new = near.into_iter().filter(|(name, _)| !self.guard.near.contains(name));
        let notices: Vec<NoticeRow> =
            new.map(|(_, detail)| NoticeRow { at: now, kind: LIMIT_NEAR.to_owned(), detail }).collect();
        notices.iter().for_each(|notice| tracing::warn!("ALARM: {}", notice.detail));
        let json = serde_json::to_string(&names).map_err(|_| NodeError::Damaged { what: "near limits" })?;
        let change = Change { facts: vec![(Fact::NearLimits, json)], notices, ..Change::default() };
        self.commit(change, now).await?;
        self.guard.near = names;
        Ok(())
    }

    /// Names of the limits that are nearly used up, the owner's and the keys', each with the words of its alarm.
    fn near_limits(&self, history: &History) -> Vec<(String, String)> {
        let percent = self.config.mandate.alarm_at_percent();
        let near = |whose: &str, usage: Vec<Usage>| {
            let near = usage.into_iter().filter(|usage| usage.is_near(percent));
            near.map(|usage| (format!("{whose}{} {}", usage.limit, usage.of), words(whose, &usage)))
                .collect::<Vec<_>>()
        };
        let mut all = near("", self.config.mandate.usage(history));
        for (name, key) in self.guard.keys.iter().filter(|(_, key)| key.revoked_at.is_none()) {
            if let Some(limits) = &key.limits {
                all.extend(near(&format!("key {name}: "), limits.usage(&history.of_key(name))));
            }
        }
        all
    }

    /// How much of each limit a history uses: the owner's, and what the key `name` used of its own.
    pub(crate) fn usage_of(&self, name: Option<&str>, history: &History) -> Vec<UsageView> {
        let mut usage = views(self.config.mandate.usage(history));
        let limits = name.and_then(|name| self.guard.keys.get(name)?.limits.as_ref());
        if let (Some(name), Some(limits)) = (name, limits) {
            let own = views(limits.usage(&history.of_key(name))).into_iter();
            usage.extend(
                own.map(|line| UsageView { limit: format!("{} of the key {name}", line.limit), ..line }),
            );
        }
        usage
    }

    /// Everything that limits are measured against, with what left the wallet.
    pub(crate) async fn whole_history(&self, now: u64) -> Result<History, NodeError> {
        let history = self.history(None, now)?;
        let day = self.store.outflows_since(history.now.0.saturating_sub(DAY_S)).await?;
        let counted = day.iter().filter(|outflow| outflow.kind != Purpose::Sweep.name());
        let withdrawn = Sat(counted.fold(0u64, |sum, outflow| sum.saturating_add(outflow.sat)));
        Ok(History { withdrawn, ..history })
    }
}

fn words(whose: &str, usage: &Usage) -> String {
    let of = if usage.of.is_empty() { String::new() } else { format!(" ({})", usage.of) };
    format!("{whose}{}{of}: {} of {} sat are used", usage.limit, usage.used, usage.allowed)
}

fn views(usage: Vec<Usage>) -> Vec<UsageView> {
    let view = |usage: Usage| UsageView {
        limit: usage.limit.name().to_owned(),
        of: usage.of,
        used_sat: usage.used,
        allowed_sat: usage.allowed,
    };
    usage.into_iter().map(view).collect()
}
