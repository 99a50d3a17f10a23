//! Delegated keys.

use anyhow::{Context as _, anyhow};
use protocol::owner::{KeyRequest, KeySecret, KeyView, Scope};

use crate::cli::{Key, KeyCreate, KeyName};
use crate::exit::Failure;
use crate::{output, owner};

/// `earnest key ...`
pub async fn run(command: Key, json: bool) -> Result<(), Failure> {
    match command {
        Key::Create(arguments) => {
            let request = request(&arguments)?;
            let once = owner::idempotency_key(arguments.retry.idempotency_key)?;
            secret(&owner::connect(&arguments.file)?.create_key(&request, &once).await?, json)
        }
        Key::Rotate { key, retry } => {
            let once = owner::idempotency_key(retry.idempotency_key)?;
            secret(&owner::connect(&key.file)?.rotate_key(&key.name, &once).await?, json)
        }
        Key::Revoke { key, retry } => {
            let once = owner::idempotency_key(retry.idempotency_key)?;
            let view = owner::connect(&key.file)?.revoke_key(&key.name, &once).await?;
            list(&[view], json)
        }
        Key::List(file) => list(&owner::connect(&file)?.keys().await?, json),
        Key::Requests(key) => requests(&key, json).await,
    }
}

fn request(arguments: &KeyCreate) -> Result<KeyRequest, Failure> {
    let limits = arguments.limits.as_ref().map(|file| {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let limits: toml::Table = toml::from_str(&text).with_context(|| file.display().to_string())?;
        serde_json::to_value(limits).context("limits")
    });
    let limits = limits.transpose().map_err(Failure::bad_input)?;
    let scopes = arguments.scope.iter().map(|name| {
        Scope::named(name).ok_or_else(|| {
            Failure::bad_input(anyhow!("--scope: {name} is none of read, buy, provide, close"))
        })
    });
    let mut scopes = scopes.collect::<Result<std::collections::BTreeSet<_>, _>>()?;
    if scopes.is_empty() && limits.is_some() {
        scopes.insert(Scope::Buy);
    }
    Ok(KeyRequest {
        name: arguments.name.clone(),
        scopes,
        limits,
        life_s: Some(seconds(&arguments.expires).map_err(Failure::bad_input)?),
    })
}

/// Seconds of a time such as `24h`.
fn seconds(text: &str) -> Result<u64, anyhow::Error> {
    let wrong = || anyhow!("--expires: {text} is no time, such as 90m, 24h or 7d");
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => return Err(wrong()),
    };
    let digits = &text[..text.len() - 1];
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| plain);
    number.and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)
}

fn secret(secret: &KeySecret, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(secret);
    }
    output::facts(&[
        ("key", secret.name.clone()),
        ("token, shown once", secret.token.clone()),
        ("expires at (unix s)", secret.expires_at.to_string()),
    ]);
    Ok(())
}

fn list(keys: &[KeyView], json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&keys);
    }
    let mut table = output::table(&["key", "may", "made", "expires", "revoked"]);
    for key in keys {
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.name()).collect();
        table.add_row([
            key.name.clone(),
            scopes.join(", "),
            key.created_at.to_string(),
            key.expires_at.to_string(),
            key.revoked_at.map_or(String::new(), |at| at.to_string()),
        ]);
    }
    output::line(&table.to_string());
    Ok(())
}

async fn requests(key: &KeyName, json: bool) -> Result<(), Failure> {
    let requests = owner::connect(&key.file)?.key_requests(&key.name).await?;
    if json {
        return output::json(&requests);
    }
    let mut table = output::table(&["unix s", "asked", "answered"]);
    for request in requests {
        let asked = format!("{} {}", request.method, request.path);
        table.add_row([request.at.to_string(), asked, request.status.to_string()]);
    }
    output::line(&table.to_string());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(seconds("24h").unwrap(), 86_400);
        assert_eq!(seconds("90m").unwrap(), 5_400);
        assert_eq!(seconds("7d").unwrap(), 604_800);
        for wrong in [
            "",
            "h",
            "24",
            "-1h",
            "+1h",
            "1.5h",
            "24 h",
            "99999999999999999999d",
            "18446744073709551615d",
            "5é",
        ] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
