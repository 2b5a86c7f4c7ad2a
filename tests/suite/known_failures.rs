//! The list of cases that fail today: `tests/known-failures.toml`.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    failure: Vec<Failure>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    case: String,
    #[serde(rename = "reason")]
    _reason: String,
}

/// The names of the cases.
///
/// # Errors
/// When the list can't be read or an entry has no reason.
pub fn read() -> Result<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("known-failures.toml");
    let text = std::fs::read_to_string(&path).context("can't be read")?;
    let list: List = toml::from_str(&text)?;
    Ok(list.failure.into_iter().map(|failure| failure.case).collect())
}
