//! `earnest scenario`: what can be done with scenario files without running them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::{Value, json};

use super::{BAD_FILE, FAILS};
use crate::catalogue::{self, CatalogueError, DEFAULT_PRESET, Overview};
use crate::import::{self, Severity, Span};
use crate::play::Play;
use crate::scenario::{SCHEMA, ScenarioError};
use crate::text;

/// `earnest scenario ...`
#[derive(Clone, Debug, Subcommand)]
pub enum ScenarioCommand {
    /// Say whether files are good, and where not: FILE:LINE: FIELD: RULE.
    ///
    /// Says as well where a file expects something else than its timeline comes to.
    Check {
        /// Files, or folders with all that lies below them.
        #[arg(value_name = "FILE|DIR", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Show what a catalogue holds.
    List {
        /// Its folder.
        #[arg(value_name = "DIR", default_value = "scenarios")]
        folder: PathBuf,
    },
    /// Write a commented scenario to begin with, NAME.toml.
    New {
        /// The file's name without its ending, or a path with one.
        name: String,
        /// The published schedule that it follows (`earnest terms presets` lists them).
        #[arg(long, value_name = "NAME", default_value = DEFAULT_PRESET)]
        preset: String,
    },
    /// Print the timeline of what others wrote down: incidents as CSV (start, end, severity), or an export of Prometheus,
    /// Gatus or Uptime Kuma.
    Import {
        /// The file.
        file: PathBuf,
        /// The length of a slot: begin and end are taken to the nearest one. Choose `probe_every`, or a multiple.
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
        grid: u64,
    },
    /// Print the format's JSON Schema, for editors (docs/scenario.schema.json).
    Schema,
}

/// Does it, and says with the exit code how it went: 0 well, 1 it failed, 2 bad input.
pub fn run(command: ScenarioCommand, as_json: bool) -> ExitCode {
    let done = match command {
        ScenarioCommand::Check { paths } => check(&paths, as_json),
        ScenarioCommand::List { folder } => list(&folder, as_json),
        ScenarioCommand::New { name, preset } => new(&name, &preset, as_json),
        ScenarioCommand::Import { file, grid } => return import(&file, grid, as_json),
        ScenarioCommand::Schema => {
            say(SCHEMA);
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(match error {
            CatalogueError::Io { .. } | CatalogueError::Exists { .. } => FAILS,
            _ => BAD_FILE,
        })
    })
}

fn import(file: &Path, grid_s: u64, as_json: bool) -> ExitCode {
    match import::import(file, grid_s) {
        Ok(spans) if as_json => {
            say_json(&json!({ "v": 1, "timeline": spans.iter().map(span).collect::<Vec<_>>() }))
        }
        Ok(spans) => say(&import::timeline(&spans, grid_s)),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(BAD_FILE);
        }
    }
    ExitCode::SUCCESS
}

fn span(span: &Span) -> Value {
    let failed_ppm = match span.severity {
        Severity::Down => 1_000_000,
        Severity::Share(share) => share.0,
    };
    json!({ "from": span.range.start, "until": span.range.end, "failed_ppm": failed_ppm, "note": span.note })
}

/// Prints, and takes it well when nobody reads on.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn say_json(value: &Value) {
    say(&format!("{value:#}\n"));
}

type Looked = Vec<(PathBuf, Result<Overview, ScenarioError>)>;

fn look(paths: &[PathBuf]) -> Result<Looked, CatalogueError> {
    let look = |file: PathBuf| {
        let overview = Play::load(&file).map(|play| catalogue::overview(&file, &play));
        (file, overview)
    };
    Ok(catalogue::find(paths)?.into_iter().map(look).collect())
}

fn check(paths: &[PathBuf], as_json: bool) -> Result<ExitCode, CatalogueError> {
    let looked = look(paths)?;
    let bad = looked.iter().filter(|(_, overview)| overview.is_err()).count();
    if as_json {
        let files: Vec<Value> = looked.iter().map(|(file, overview)| checked(file, overview)).collect();
        say_json(&json!({ "v": 1, "good": bad == 0, "files": files }));
    } else {
        looked.iter().for_each(|(file, overview)| in_words(file, overview));
        eprintln!("{}, {bad} bad", text::counted(looked.len() as u64, "file", "files"));
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(BAD_FILE) })
}

fn checked(file: &Path, overview: &Result<Overview, ScenarioError>) -> Value {
    match overview {
        Ok(overview) => json!({ "file": file, "good": true, "comes_to": overview.comes_to }),
        Err(ScenarioError::Rule { line, field, rule, .. }) => {
            json!({ "file": file, "good": false, "line": line, "field": field, "rule": rule })
        }
        Err(error) => json!({ "file": file, "good": false, "rule": error.to_string() }),
    }
}

fn in_words(file: &Path, overview: &Result<Overview, ScenarioError>) {
    match overview {
        Err(error) => eprintln!("error: {error}"),
        Ok(Overview { comes_to: None, .. }) => say(&format!("{}: good\n", file.display())),
        Ok(Overview { comes_to: Some(comes_to), expects, .. }) => say(&format!(
            "{}: good; note that it expects {expects}, and its timeline alone comes to {comes_to}\n",
            file.display()
        )),
    }
}

fn list(folder: &Path, as_json: bool) -> Result<ExitCode, CatalogueError> {
    let looked = look(&[folder.to_owned()])?;
    let (good, bad): (Vec<_>, Vec<_>) = looked.into_iter().partition(|(_, overview)| overview.is_ok());
    let overviews: Vec<Overview> = good.into_iter().filter_map(|(_, overview)| overview.ok()).collect();
    if as_json {
        say_json(&json!({ "v": 1, "scenarios": overviews }));
    } else {
        say(&format!("{}\n", table(&overviews)));
    }
    bad.iter().for_each(|(file, overview)| in_words(file, overview));
    Ok(if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(BAD_FILE) })
}

fn table(overviews: &[Overview]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(["name", "what", "window", "ends"]);
    for overview in overviews {
        let length = text::length(overview.end.0 - overview.start.0);
        let window = format!("{}, {length}", text::stamp(overview.start));
        table.add_row([&overview.name, &overview.title, &window, &overview.expects]);
    }
    table
}

fn new(name: &str, preset: &str, as_json: bool) -> Result<ExitCode, CatalogueError> {
    let path = path_of(name)?;
    let title = path.file_stem().unwrap_or_default().to_string_lossy().replace(['-', '_'], " ");
    let text = catalogue::template(&title, preset)?;
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AlreadyExists => CatalogueError::Exists { path: path.clone() },
        _ => CatalogueError::Io { path: path.clone(), source },
    };
    let mut file = std::fs::File::create_new(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if as_json {
        say_json(&json!({ "v": 1, "file": path }));
    } else {
        say(&format!("{}\n", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn path_of(name: &str) -> Result<PathBuf, CatalogueError> {
    let mut path = PathBuf::from(name);
    if path.extension().is_none_or(|ending| ending != "toml") {
        path.as_mut_os_string().push(".toml");
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = !stem.is_empty() && !stem.starts_with(['.', '-']) && stem.chars().all(allowed);
    if is_name { Ok(path) } else { Err(CatalogueError::Name) }
}
