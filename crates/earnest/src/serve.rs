//! `init` and `serve`.

use anyhow::Context as _;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::cli::{ConfigFile, Serve};
use crate::exit::Failure;
use crate::output;

/// `earnest init`
pub fn init(file: &ConfigFile, as_json: bool) -> Result<(), Failure> {
    let config = node::Config::load(&file.config)?;
    let made = node::init(&config).context("the data folder cannot be made")?;
    if as_json {
        return output::json(&json!({ "key": made.key, "new_seed": made.new_seed }));
    }
    let first = if made.new_seed { "" } else { " (the first one; it may have been rotated since)" };
    output::line(&format!("identity key  {}{first}", made.key));
    output::line(&format!("data folder   {}", config.data_dir.display()));
    if made.new_seed {
        output::line("A new seed was made. Back up the file `seed`: whoever has it has the money.");
    }
    Ok(())
}

/// `earnest serve`
pub async fn serve(arguments: Serve) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Told to complain of a line that it can't write, it would panic: the disk under the log may be full.
    let log = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter);
    log.with_writer(std::io::stderr).init();
    let config = node::Config::load(&arguments.file.config)?;
    node::serve(config, arguments.simulated_time, &arguments.simulated_name)
        .await
        .context("the node stopped")?;
    Ok(())
}
