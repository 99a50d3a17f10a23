//! Every file that fuzzing started from or found, through its target, with the stable compiler.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How many files of a target's corpus were replayed, and how many of them were taken as good.
fn replay(target: &str) -> (usize, usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files: BTreeMap<_, _> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .map(|path| (path.clone(), fs::read(&path).expect("a readable file")))
        .collect();
    let good = files.iter().filter(|(path, bytes)| {
        // Printed only when it fails: which file it was.
        println!("{}", path.display());
        fuzz_targets::run(target, bytes)
    });
    (files.len(), good.count())
}

#[test]
fn every_file_of_every_corpus_keeps_what_its_target_promises() {
    for (target, _) in fuzz_targets::TARGETS {
        let (files, good) = replay(target);
        assert!(
            good > 0,
            "{target}: none of {files} files is good, so that nothing behind the door is tested"
        );
        let is_message = ["offer", "accept", "sign"].contains(&target);
        assert!(!is_message || good < files, "{target}: no file is broken");
    }
}
