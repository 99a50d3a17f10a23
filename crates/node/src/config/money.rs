//! `[sweep]` and `[supply]`: what the node does with the wallet by itself.

use std::str::FromStr;

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Network, ScriptBuf};
use serde::Deserialize;
use terms::Sat;

use super::ConfigError;

const DAY_S: u64 = 86_400;
/// The least that a sweep may be for: below it the fee is most of it.
const LEAST_SWEEP_SAT: u64 = 1_000;
/// The most coins of a supply: they come out of one transaction.
const MOST_COINS: usize = 200;
/// As [`protocol::Offer`]s may say.
const MOST_SAT_VB: u64 = wallet::MAX_FEE_RATE_SAT_VB as u64;

/// Where to and when the wallet is emptied.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepConfig {
    /// Where to: an address of the configuration's network.
    pub address: Address<NetworkUnchecked>,
    /// Every so many seconds, counted from 1970.
    #[serde(default)]
    pub every_s: Option<u64>,
    /// Or at these times of day, UTC.
    #[serde(default)]
    pub at: Vec<TimeOfDay>,
    /// What stays, beside what escrows have reserved and what the supply needs.
    #[serde(default = "nothing")]
    pub keep_sat: Sat,
    /// The least that must arrive for a sweep to be worth its fee.
    #[serde(default = "default_least")]
    pub min_sat: Sat,
    /// How many blocks it may wait: what the fee rate is asked for.
    #[serde(default = "default_patience")]
    pub target_blocks: u16,
    /// At a higher fee rate it waits.
    #[serde(default = "default_rate")]
    pub max_fee_rate_sat_vb: u64,
}

/// How many confirmed coins are kept ready for escrows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplyConfig {
    /// So many escrows can be taken in a row, without a block in between.
    pub coins: usize,
    /// What each coin is worth; left out: what the open offer that needs most needs.
    #[serde(default)]
    pub coin_sat: Option<Sat>,
    /// It is filled up when fewer than this are left; left out: half of `coins`.
    #[serde(default)]
    pub refill_below: Option<usize>,
    /// How many blocks it may wait: what the fee rate is asked for.
    #[serde(default = "default_haste")]
    pub target_blocks: u16,
    /// At a higher fee rate it waits.
    #[serde(default = "default_rate")]
    pub max_fee_rate_sat_vb: u64,
}

fn nothing() -> Sat {
    Sat(0)
}

fn default_least() -> Sat {
    Sat(100_000)
}

fn default_patience() -> u16 {
    144
}

fn default_haste() -> u16 {
    12
}

fn default_rate() -> u64 {
    20
}

/// A time of day, UTC, written as `HH:MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TimeOfDay {
    /// Seconds since midnight.
    pub second: u64,
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::from_str(&text)
    }
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str, below: u64| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u64>().ok().filter(|number| digits && *number < below)
        };
        let parts = text.split_once(':').and_then(|(h, m)| Some((number(h, 24)?, number(m, 60)?)));
        let (hour, minute) = parts.ok_or_else(|| format!("{text} is no time of day, such as 03:30"))?;
        Ok(Self { second: hour * 3_600 + minute * 60 })
    }
}

impl SweepConfig {
    pub(super) fn check(&self, network: Network) -> Result<(), ConfigError> {
        let times = self.at.len();
        first_broken(&[
            (
                self.address.is_valid_for_network(network),
                "sweep.address",
                "must be an address of the configuration's network",
            ),
            (self.every_s.is_some() != (times > 0), "sweep.every_s", "needs either every_s, or at"),
            (
                self.every_s.is_none_or(|s| (60..=366 * DAY_S).contains(&s)),
                "sweep.every_s",
                "must be 60 to 31622400",
            ),
            (times <= 24, "sweep.at", "at most 24 times of day"),
            (self.min_sat.0 >= LEAST_SWEEP_SAT, "sweep.min_sat", "must be at least 1000"),
            ((1..=1_008).contains(&self.target_blocks), "sweep.target_blocks", "must be 1 to 1008"),
            (
                (1..=MOST_SAT_VB).contains(&self.max_fee_rate_sat_vb),
                "sweep.max_fee_rate_sat_vb",
                "must be 1 to 1000",
            ),
        ])
    }

    /// The script that it pays to. [`SweepConfig::check`] has compared the network.
    pub(crate) fn script(&self) -> ScriptBuf {
        self.address.clone().assume_checked().script_pubkey()
    }

    /// The schedule's last moment that is not after `now`.
    pub(crate) fn last_moment(&self, now: u64) -> u64 {
        match self.every_s {
            Some(every) => now - now % every,
            None => self.moments_around(now).filter(|at| *at <= now).max().unwrap_or(0),
        }
    }

    /// The schedule's next moment after `now`.
    pub(crate) fn next_moment(&self, now: u64) -> u64 {
        match self.every_s {
            Some(every) => self.last_moment(now).saturating_add(every),
            None => self.moments_around(now).filter(|at| *at > now).min().unwrap_or(u64::MAX),
        }
    }

    /// Those of yesterday, today and tomorrow.
    fn moments_around(&self, now: u64) -> impl Iterator<Item = u64> {
        let today = now - now % DAY_S;
        let days = [today.saturating_sub(DAY_S), today, today.saturating_add(DAY_S)];
        self.at.iter().flat_map(move |time| days.map(|day| day.saturating_add(time.second)))
    }
}

impl SupplyConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        first_broken(&[
            ((1..=MOST_COINS).contains(&self.coins), "supply.coins", "must be 1 to 200"),
            (self.coin_sat.is_none_or(|sat| sat.0 >= 1_000), "supply.coin_sat", "must be at least 1000"),
            (
                self.refill_below.is_none_or(|below| (1..=self.coins).contains(&below)),
                "supply.refill_below",
                "must be 1 to coins",
            ),
            ((1..=1_008).contains(&self.target_blocks), "supply.target_blocks", "must be 1 to 1008"),
            (
                (1..=MOST_SAT_VB).contains(&self.max_fee_rate_sat_vb),
                "supply.max_fee_rate_sat_vb",
                "must be 1 to 1000",
            ),
        ])
    }

    /// The supply is filled up when fewer are left.
    pub(crate) fn refill_below(&self) -> usize {
        self.refill_below.unwrap_or(self.coins.div_ceil(2))
    }
}

fn first_broken(rules: &[(bool, &'static str, &'static str)]) -> Result<(), ConfigError> {
    match rules.iter().find(|(holds, ..)| !holds) {
        None => Ok(()),
        Some((_, field, rule)) => Err(ConfigError::Rule { field, rule }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01T00:00:00Z.
    const MIDNIGHT: u64 = 1_767_225_600;

    fn sweep(schedule: &str) -> SweepConfig {
        toml::from_str(&format!("address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'\n{schedule}"))
            .unwrap()
    }

    #[test]
    fn every_so_often_means_the_same_moments_whenever_the_node_was_started() {
        let daily = sweep("every_s = 86_400");
        assert_eq!(daily.last_moment(MIDNIGHT), MIDNIGHT);
        assert_eq!(daily.last_moment(MIDNIGHT + 86_399), MIDNIGHT);
        assert_eq!(daily.next_moment(MIDNIGHT), MIDNIGHT + 86_400);
        assert_eq!(daily.next_moment(MIDNIGHT - 1), MIDNIGHT);
    }

    #[test]
    fn times_of_day_reach_over_midnight() {
        let twice = sweep("at = ['03:30', '18:00']");
        let (morning, evening) = (MIDNIGHT + 12_600, MIDNIGHT + 64_800);
        assert_eq!(twice.last_moment(MIDNIGHT), evening - 86_400);
        assert_eq!(twice.last_moment(morning), morning);
        assert_eq!(twice.next_moment(morning), evening);
        assert_eq!(twice.next_moment(evening), morning + 86_400);
        assert_eq!(twice.last_moment(morning + 86_400 - 1), evening);
    }

    #[test]
    fn what_is_no_time_of_day_is_refused() {
        for text in ["24:00", "12:60", "3:30", "0330", "03:30:00", "+3:30", ""] {
            assert!(TimeOfDay::from_str(text).is_err(), "{text}");
        }
        assert_eq!(TimeOfDay::from_str("23:59"), Ok(TimeOfDay { second: 86_340 }));
    }

    #[test]
    fn a_supply_is_filled_up_when_half_is_gone() {
        let supply = |text: &str| toml::from_str::<SupplyConfig>(text).unwrap();
        assert_eq!(supply("coins = 10").refill_below(), 5);
        assert_eq!(supply("coins = 1").refill_below(), 1);
        assert_eq!(supply("coins = 10\nrefill_below = 10").refill_below(), 10);
    }
}
