//! An outlook as text for a person.

use std::fmt;

use terms::Sat;

use super::{Case, Kind, Outcomes, Outlook};
use calendar::words::{length, moment, thousands};

use crate::words::percent;

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.measured(f)?;
        self.locked(f)?;
        self.cases(f)?;
        self.forecast(f)?;
        self.words(f)
    }
}

impl Outlook {
    fn measured(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [oracles, agree] = self.oracles;
        let who = match oracles {
            1 => "one oracle".to_owned(),
            _ => format!("{agree} of {oracles} oracles"),
        };
        let (from, to) = (moment(self.window.start), moment(self.window.end));
        writeln!(f, "What {who} will measure: {}", self.target)?;
        writeln!(f, "  from {from} to {to} ({})\n", length(self.window.seconds()))
    }

    fn locked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "What each side locks")?;
        let fees = self.fees.map(|fees| [fees.buyer_sat, fees.provider_sat]);
        let sides = [("buyer", self.price_sat, "price"), ("provider", self.bond_sat, "bond")];
        for (index, (side, sat, what)) in sides.into_iter().enumerate() {
            let fee = fees.and_then(|fees| fees.get(index).copied());
            let fee = fee.map(|fee| format!(", and {} sat of fees", thousands(fee.0))).unwrap_or_default();
            writeln!(f, "  {side:<9} {:>15} sat as {what}{fee}", thousands(sat.0))?;
        }
        let top =
            if self.publication_comes_on_top { ", and for what the oracle takes to publish" } else { "" };
        writeln!(f, "  for {} at most{top}\n", length(self.locked_at_most_s))
    }

    fn cases(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "What each side gets in the end, in satoshis")?;
        let head = ["", "outcome", "chance", "provider gets", "buyer gets"].map(str::to_owned);
        let rows: Vec<[String; 5]> =
            std::iter::once(head).chain(self.cases.iter().map(|case| self.row(case))).collect();
        let has_chances = self.forecast.is_some();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: [usize; 5] = std::array::from_fn(width);
        let [kinds, outcomes, chances, providers, buyers] = widths;
        for [kind, outcome, chance, provider, buyer] in &rows {
            write!(f, "  {kind:<kinds$}  {outcome:<outcomes$}")?;
            if has_chances {
                write!(f, "  {chance:>chances$}")?;
            }
            writeln!(f, "  {provider:>providers$}  {buyer:>buyers$}")?;
        }
        writeln!(f)
    }

    fn row(&self, case: &Case) -> [String; 5] {
        let chance = case.chance_ppm.map(percent).unwrap_or_default();
        let (provider, buyer) = (amount(case.provider_sat), amount(case.buyer_sat));
        [label(case.kind).to_owned(), self.outcomes(case), chance, provider, buyer]
    }

    fn outcomes(&self, case: &Case) -> String {
        match &case.outcomes {
            Outcomes::Values { from, to } if from == to => {
                format!("{} {}", thousands(from.0), self.unit)
            }
            Outcomes::Values { from, to } => {
                format!("{} to {} {}", thousands(from.0), thousands(to.0), self.unit)
            }
            Outcomes::Level(name) => name.clone(),
            Outcomes::None if case.kind == Kind::Refund => "no attestation".to_owned(),
            Outcomes::None => "not enough measured".to_owned(),
        }
    }

    fn forecast(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(forecast) = &self.forecast else {
            return Ok(());
        };
        let sat = |sat: Sat| thousands(sat.0);
        writeln!(f, "In {} imagined windows", thousands(forecast.windows))?;
        writeln!(
            f,
            "  the service is up for {} of {}",
            length(forecast.up_s),
            length(self.window.seconds())
        )?;
        let (provider, buyer) = (forecast.provider_expected_sat, forecast.buyer_expected_sat);
        let error = sat(forecast.standard_error_sat);
        writeln!(
            f,
            "  the provider gets {} sat in the mean, the buyer {} sat (standard error {error} sat)",
            sat(provider),
            sat(buyer)
        )?;
        let least = sat(forecast.provider_in_95_percent_sat);
        writeln!(f, "  the provider gets {least} sat or more in 95 of 100 windows\n")
    }

    /// What the figures mean, and what they leave out.
    fn words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "In words")?;
        for case in &self.cases {
            let when = match case.kind {
                Kind::Target => "At the target".to_owned(),
                Kind::Breach => format!("At {}", self.outcomes(case)),
                Kind::Worst => "At the worst".to_owned(),
                Kind::Indeterminate => {
                    "Where the oracle cannot measure enough, whatever the service did,".to_owned()
                }
                Kind::Refund => continue,
            };
            writeln!(f, "  {when} {}.", self.paid(case))?;
        }
        self.refund(f)?;
        if let Some(spread) = &self.spread {
            let sat = thousands(spread.sat.0);
            writeln!(
                f,
                "  Which of the oracles' attestations settle may move {sat} sat, and whoever settles chooses."
            )?;
        }
        match &self.fees {
            Some(_) => writeln!(f, "  Fees come on top, and change none of these amounts."),
            None => writeln!(f, "  Fees come on top; what they are depends on the coins of both sides."),
        }
    }

    fn refund(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (price, bond) = (thousands(self.price_sat.0), thousands(self.bond_sat.0));
        let at = moment(self.refund_at);
        let later = if self.publication_comes_on_top { " at the earliest" } else { "" };
        writeln!(f, "  If the oracle attests nothing, either side can take the refund from {at}{later}:")?;
        writeln!(
            f,
            "  the buyer gets its {price} sat back, also for service that was delivered, and the provider its {bond} sat."
        )?;
        writeln!(
            f,
            "  So the silence of an oracle costs the provider the price; it should ask for that risk."
        )
    }

    /// Who pays whom: what the provider has more than its bond, the buyer has less than its price.
    fn paid(&self, case: &Case) -> String {
        let [least, most] = case.provider_sat;
        if least == most {
            return self.pays(least);
        }
        format!("{} at best; and where it is worst, {}", self.pays(most), self.pays(least))
    }

    fn pays(&self, provider: Sat) -> String {
        let (price, sat) = (self.price_sat.0, thousands);
        match provider.0.checked_sub(self.bond_sat.0) {
            Some(paid) if paid == price => format!("the buyer pays the whole price of {} sat", sat(price)),
            Some(0) => "the buyer has its price back, and pays nothing".to_owned(),
            Some(paid) => format!("the buyer pays {} sat of the price and has the rest back", sat(paid)),
            None => {
                let forfeit = sat(self.bond_sat.0 - provider.0);
                format!("the buyer has its price back, and {forfeit} sat of the provider's bond")
            }
        }
    }
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Target => "target",
        Kind::Breach => "breach",
        Kind::Worst => "worst",
        Kind::Indeterminate => "indeterminate",
        Kind::Refund => "refund",
    }
}

fn amount([least, most]: [Sat; 2]) -> String {
    if least == most {
        thousands(least.0)
    } else {
        format!("{} to {}", thousands(least.0), thousands(most.0))
    }
}
