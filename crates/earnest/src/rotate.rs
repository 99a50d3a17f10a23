//! Another token, another identity.

use crate::cli::Rotate;
use crate::exit::Failure;
use crate::{output, owner};

/// `earnest rotate ...`
pub async fn run(command: Rotate, json: bool) -> Result<(), Failure> {
    match command {
        Rotate::Token(file) => {
            let made = owner::connect(&file)?.rotate_token(&owner::idempotency_key(None)?).await?;
            if json {
                return output::json(&made);
            }
            output::line("The file `owner-token` holds a new token; the old one is refused.");
        }
        Rotate::Identity { file, retry } => {
            let key = owner::idempotency_key(retry.idempotency_key)?;
            let made = owner::connect(&file)?.rotate_identity(&key).await?;
            if json {
                return output::json(&made);
            }
            output::line(&format!("identity key  {}", made.key));
            output::line(&format!("follows       {}", made.former));
            output::line("Peers whose allow-lists name the old key have to add the new one.");
        }
    }
    Ok(())
}
