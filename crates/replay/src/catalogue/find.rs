//! Finding scenario files.

use std::path::{Path, PathBuf};

use super::error::CatalogueError;

/// The most files of one catalogue.
const MAX_FILES: usize = 1_000;

/// The most levels of folders.
const MAX_DEPTH: usize = 8;

/// The scenario files that these paths mean: a file is itself, a folder all `*.toml` below it, in the order of their
/// names. A file that is meant twice comes once.
///
/// # Errors
/// When a path can't be read, or a folder holds no scenario or far too many. Links to folders are not followed.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CatalogueError> {
    let mut files = Vec::new();
    for path in paths {
        let found = if path.is_dir() { below(path)? } else { vec![path.clone()] };
        for file in found {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

fn below(folder: &Path) -> Result<Vec<PathBuf>, CatalogueError> {
    let mut files = Vec::new();
    collect(folder, folder, 1, &mut files)?;
    if files.is_empty() {
        return Err(CatalogueError::Empty { folder: folder.to_owned() });
    }
    files.sort();
    Ok(files)
}

fn collect(root: &Path, folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), CatalogueError> {
    let failed = |source| CatalogueError::Io { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        let is_scenario = !is_folder && path.extension().is_some_and(|ending| ending == "toml");
        if (is_folder && depth >= MAX_DEPTH) || (is_scenario && files.len() >= MAX_FILES) {
            return Err(CatalogueError::TooMany {
                folder: root.to_owned(),
                most: MAX_FILES,
                depth: MAX_DEPTH,
            });
        }
        if is_folder {
            collect(root, &path, depth + 1, files)?;
        } else if is_scenario {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[PathBuf]) -> Vec<String> {
        found.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
    }

    #[test]
    fn a_folder_means_all_below_it_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("faults")).unwrap();
        for name in ["b.toml", "a.toml", "notes.md", "faults/c.toml"] {
            std::fs::write(at(name), "").unwrap();
        }
        let found = find(&[folder.path().to_owned(), at("b.toml")]).unwrap();
        assert_eq!(names(&found), ["a.toml", "b.toml", "c.toml"]);
    }

    #[test]
    fn an_empty_folder_and_one_without_end_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let find = || find(&[folder.path().to_owned()]);
        assert!(matches!(find(), Err(CatalogueError::Empty { .. })));
        std::fs::create_dir_all(folder.path().join("1/2/3/4/5/6/7/8/9")).unwrap();
        assert!(matches!(find(), Err(CatalogueError::TooMany { .. })));
    }
}
