//! A scenario to begin with: commented, and good as it stands.

use terms::UnixSeconds;

use super::error::CatalogueError;
use crate::plan;
use crate::scenario::Scenario;
use crate::text::thousands;

/// The preset of a template for which none was asked.
pub const DEFAULT_PRESET: &str = "amazon-s3-standard";

/// The template's text, with its literals still open.
const TEMPLATE: &str = include_str!("template.toml");

/// A commented scenario under the schedule of `preset`: an hour with twenty minutes down. Its expectations are what its
/// timeline and schedule come to, so that it passes as it is; whoever changes it works out their own.
///
/// # Errors
/// [`CatalogueError::Preset`] when there is none of that name.
pub fn template(title: &str, preset: &str) -> Result<String, CatalogueError> {
    let found = terms::presets::find(preset);
    let counting = found.ok_or_else(|| CatalogueError::Preset {
        names: terms::presets::all().iter().map(|preset| preset.name).collect::<Vec<_>>().join(", "),
    })?;
    let text = TEMPLATE
        .replace("TITLE", &toml::Value::String(title.to_owned()).to_string())
        .replace("PRESET", &format!("\"{preset}\""))
        .replace("COUNTING", counting.counting);
    Ok(with_literals(&text))
}

/// Fills in what must be true at the end. The template is ours, so all of it can be read and evaluated; a test does so for
/// every preset.
fn with_literals(text: &str) -> String {
    let open = fill(text, [0, 0, 0]);
    let Ok(scenario) = Scenario::parse(&open, std::path::Path::new("template.toml")) else { return open };
    let literals = literals(&scenario);
    literals.map_or(open, |literals| fill(text, literals))
}

fn fill(text: &str, literals: [u64; 3]) -> String {
    let [outcome, provider, buyer] = literals.map(|number| thousands(number).replace(',', "_"));
    text.replace("OUTCOME", &outcome).replace("PROVIDER", &provider).replace("BUYER", &buyer)
}

fn literals(scenario: &Scenario) -> Option<[u64; 3]> {
    let outcome = plan::evaluate(scenario).ok()?.report.outcome;
    let value = match &outcome {
        terms::Outcome::Value(value) => value.0,
        _ => return None,
    };
    let deadline = UnixSeconds(scenario.measurement.window.start.0 - 1);
    let agreement = scenario.deal.stand_in(&scenario.measurement, scenario.cast.oracles(), deadline);
    let paid = agreement.compile().ok()?.at(&outcome)?;
    Some([value, paid.0, agreement.total_sat().0 - paid.0])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::catalogue::overview;
    use crate::play::Play;

    #[test]
    fn the_template_of_every_preset_is_good_as_it_stands() {
        for preset in terms::presets::all() {
            let text = template("A \"quoted\" title", preset.name).unwrap();
            let scenario = Scenario::parse(&text, Path::new("new.toml")).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(scenario.title, "A \"quoted\" title");
            assert_eq!(scenario.deal.preset, Some(preset));
            let play = Play::Pair(Box::new(scenario.clone()));
            assert_eq!(overview(Path::new("new.toml"), &play).comes_to, None, "{}", preset.name);
            let paid = scenario.expect.provider_sat.0 + scenario.expect.buyer_sat.0;
            assert_eq!(paid, scenario.deal.price_sat.0 + scenario.deal.bond_sat.0);
            assert!(
                scenario.expect.buyer_sat.0 > 0,
                "{}: twenty minutes of an hour cost something",
                preset.name
            );
        }
    }

    #[test]
    fn another_preset_is_refused_with_the_names_of_all() {
        let refused = template("t", "amazon").unwrap_err().to_string();
        assert!(refused.contains("amazon-s3-standard") && refused.contains("github"), "{refused}");
    }
}
