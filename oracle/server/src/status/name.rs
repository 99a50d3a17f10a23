//! What a service is called, where nobody gave it a name: after its target.

use terms::{Hex32, Target};

/// Names in addresses are at most this long, the part that tells two apart included.
const MAX_SLUG: usize = 48;
/// Names for people are at most this long.
const MAX_TITLE: usize = 120;

/// A service's name for people, from its target.
pub fn title(target: &Target) -> String {
    let name = target.to_string();
    let name = match target {
        Target::Http(_) => name.split_once("://").map_or(name.as_str(), |(_, rest)| rest),
        _ => name.as_str(),
    };
    let short = name.strip_suffix('/').unwrap_or(name);
    if short.chars().count() <= MAX_TITLE {
        return short.to_owned();
    }
    short.chars().take(MAX_TITLE - 1).chain(['…']).collect()
}

/// A service's name in addresses: its title in `a-z`, `0-9` and `-`, and some digits of its target's hash, so that
/// no two targets get the same.
pub fn slug(title: &str, target: &Hex32) -> String {
    let mut slug = String::new();
    for letter in title.chars().map(|letter| letter.to_ascii_lowercase()) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
        if slug.len() == MAX_SLUG - 9 {
            break;
        }
    }
    let digits: String = target.to_string().chars().take(8).collect();
    let name = slug.trim_end_matches('-');
    if name.is_empty() { digits } else { format!("{name}-{digits}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_good_for_an_address_whatever_the_title_says() {
        let hash = Hex32([0xab; 32]);
        assert_eq!(slug("edge.example/health", &hash), "edge-example-health-abababab");
        assert_eq!(slug("../../<script>", &hash), "script-abababab");
        assert_eq!(slug("Ünïcode ☃", &hash), "n-code-abababab");
        assert_eq!(slug("☃", &hash), "abababab");
        let long = slug(&"very-long.example/".repeat(40), &hash);
        assert!(long.len() <= MAX_SLUG && long.ends_with("-abababab"), "{long}");
    }
}
