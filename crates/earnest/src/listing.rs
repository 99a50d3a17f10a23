//! This node's listing in directories.

use anyhow::anyhow;
use protocol::owner::{DirectoryView, ListingView};

use crate::cli::{ConfigFile, Listing, Retry};
use crate::exit::Failure;
use crate::{output, owner};

/// `earnest listing ...`
pub async fn run(command: Listing, json: bool) -> Result<(), Failure> {
    match command {
        Listing::Show(file) => show(&file, json).await,
        Listing::Withdraw { file, retry } => list_or_not(&file, retry, true, json).await,
        Listing::Publish { file, retry } => list_or_not(&file, retry, false, json).await,
    }
}

async fn list_or_not(file: &ConfigFile, retry: Retry, withdrawn: bool, json: bool) -> Result<(), Failure> {
    let key = owner::idempotency_key(retry.idempotency_key)?;
    let wish = owner::connect(file)?.list_or_not(withdrawn, &key).await?;
    if json {
        return output::json(&wish);
    }
    output::line(match wish.withdrawn {
        true => "The listing is taken back; the node tells its directories now.",
        false => "The node has itself listed; `earnest listing show` tells how its directories stand.",
    });
    Ok(())
}

async fn show(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let view = owner::connect(file)?.listing().await?;
    let view = view.ok_or_else(|| anyhow!("the node's configuration has no section [listing]"))?;
    if json {
        return output::json(&view);
    }
    output::facts(&facts(&view));
    let mut table = output::table(&["directory", "state", "next try (unix s)", "trouble"]);
    for directory in &view.directories {
        table.add_row(row(directory));
    }
    output::line(&table.to_string());
    Ok(())
}

fn facts(view: &ListingView) -> Vec<(&'static str, String)> {
    let Some(listing) = &view.listing else {
        return vec![("listing", "none was signed yet".to_owned())];
    };
    vec![
        ("listing", if view.withdrawn { "taken back" } else { "published" }.to_owned()),
        ("url", listing.url.clone()),
        ("summary", listing.summary.clone()),
        ("services", listing.services.join(", ")),
        ("signed at", listing.at.to_string()),
        ("expires", listing.expires.to_string()),
    ]
}

fn row(directory: &DirectoryView) -> [String; 4] {
    let state = if directory.current { "has it" } else { "does not have it yet" };
    [
        directory.url.clone(),
        state.to_owned(),
        directory.next_try_at.map_or(String::new(), |at| at.to_string()),
        protocol::text::one_line(directory.trouble.as_deref().unwrap_or_default(), 200),
    ]
}
