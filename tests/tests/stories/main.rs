//! The stories, one module for each subject. They are one program, so that they are linked once and run side by side.

mod alone;
mod crashes;
mod locktimes;
mod settling;
