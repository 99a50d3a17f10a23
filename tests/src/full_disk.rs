//! A disk that is full when the test says so, under one node of a world.

use crate::World;

/// The disk under one node's data folder.
#[derive(Debug)]
pub struct FullDisk(testbed::FullDisk);

impl FullDisk {
    /// Starts a node again, on a disk that can be full. There is space at first.
    ///
    /// # Panics
    /// When there is no C compiler, or the node does not start.
    pub async fn under(world: &mut World, name: &str) -> Self {
        world.stop(name).await;
        let service = world.service(name);
        let disk = testbed::FullDisk::under(&service.data_dir()).expect("there is a C compiler");
        for (name, value) in disk.envs() {
            service.set_env(name, Some(value));
        }
        world.start(name).await;
        Self(disk)
    }

    /// From now on nothing can be written.
    ///
    /// # Panics
    /// When the test's own disk is full.
    pub fn fill(&self) {
        self.0.fill().expect("the test's own disk has room");
    }

    /// What calls [`FullDisk::fill`] from elsewhere, such as a proxy's rule.
    pub fn filler(&self) -> impl Fn() + Send + 'static {
        let fill = self.0.filler();
        move || fill().expect("the test's own disk has room")
    }

    /// From now on there is space again.
    ///
    /// # Panics
    /// When it was not full.
    pub fn free(&self) {
        self.0.free().expect("the disk was full");
    }
}
