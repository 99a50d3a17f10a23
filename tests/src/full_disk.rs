//! A disk that is full when the test says so.
//!
//! The node runs with a library before the C library (`full_disk.c` beside this file), which refuses to write below the
//! node's data folder while a flag lies on the table. So nobody needs to be root, and no other process is hurt.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::World;

/// The disk under one node's data folder.
#[derive(Debug)]
pub struct FullDisk {
    flag: PathBuf,
    _folder: TempDir,
}

impl FullDisk {
    /// Starts a node again, on a disk that can be full. There is space at first.
    ///
    /// # Panics
    /// When there is no C compiler, or the node does not start.
    pub async fn under(world: &mut World, name: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let library = compile(&folder);
        let flag = folder.path().join("full");
        world.stop(name).await;
        let service = world.service(name);
        let below = service.data_dir();
        service.set_env("LD_PRELOAD", Some(library.into()));
        service.set_env("EARNEST_FULL_DISK", Some(flag.clone().into()));
        service.set_env("EARNEST_FULL_DISK_BELOW", Some(below.into()));
        world.start(name).await;
        Self { flag, _folder: folder }
    }

    /// From now on nothing can be written.
    ///
    /// # Panics
    /// When the test's own disk is full.
    pub fn fill(&self) {
        std::fs::write(&self.flag, "").expect("the test's own disk has room");
    }

    /// What calls [`FullDisk::fill`] from elsewhere, such as a proxy's rule.
    pub fn filler(&self) -> impl Fn() + Send + 'static {
        let flag = self.flag.clone();
        move || std::fs::write(&flag, "").expect("the test's own disk has room")
    }

    /// From now on there is space again.
    ///
    /// # Panics
    /// When it was not full.
    pub fn free(&self) {
        std::fs::remove_file(&self.flag).expect("the disk was full");
    }
}

fn compile(folder: &TempDir) -> PathBuf {
    let (source, library) = (folder.path().join("full_disk.c"), folder.path().join("full_disk.so"));
    std::fs::write(&source, include_str!("full_disk.c")).expect("there is room for a file");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(&source).arg("-ldl");
    let output = cc.output().expect("there is a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}
