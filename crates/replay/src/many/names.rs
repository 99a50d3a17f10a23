//! A name for each run of a catalogue, by which it is shown and under which its report lies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A name for each file: its path below the folder that was given, without the ending. Names are paths of plain parts,
/// and no two are the same.
pub(super) fn names(roots: &[PathBuf], files: &[PathBuf]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    files.iter().map(|file| free(&mut taken, name(roots, file))).collect()
}

fn name(roots: &[PathBuf], file: &Path) -> String {
    let below = roots.iter().filter(|root| root.is_dir()).find_map(|root| file.strip_prefix(root).ok());
    let short = below.unwrap_or_else(|| Path::new(file.file_name().unwrap_or_default()));
    let parts = short
        .with_extension("")
        .components()
        .filter_map(|part| match part {
            std::path::Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect::<Vec<_>>();
    if parts.is_empty() { "scenario".to_owned() } else { parts.join("/") }
}

fn free(taken: &mut BTreeSet<String>, name: String) -> String {
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut candidates = std::iter::once(name.clone()).chain(numbered);
    let found = candidates.find(|candidate| !taken.contains(candidate)).unwrap_or(name);
    taken.insert(found.clone());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_same_name_have_different_names() {
        let files = ["/a/x.toml", "/b/x.toml", "/b/y.toml"].map(PathBuf::from);
        assert_eq!(names(&[], &files), ["x", "x-2", "y"]);
    }

    #[test]
    fn below_a_folder_the_path_is_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        assert_eq!(
            names(std::slice::from_ref(&root), &[root.join("faults/oracle-late.toml")]),
            ["faults/oracle-late"]
        );
    }
}
