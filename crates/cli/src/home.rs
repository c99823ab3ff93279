//! Where a user's own things lie: `$INKLING_HOME`, else `$XDG_DATA_HOME/inkling`, else `~/.local/share/inkling`.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// Where a user's own screeners lie, a folder each; it need not exist.
pub(crate) fn screeners() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let home = set("INKLING_HOME")
        .or_else(|| set("XDG_DATA_HOME").map(|it| it.join("inkling")))
        .or_else(|| set("HOME").map(|it| it.join(".local/share/inkling")));
    let home = home.context("expected INKLING_HOME or HOME to name a folder, found neither")?;
    Ok(home.join("screeners"))
}
