//! Freezing a sandbox: from running threads to data. The way back is [`crate::boot::restore`].
//!
//! * [`freeze`] stops all threads and makes the state fit for an image.
//! * [`dump`] describes it for the monitor, [`relations`] its pointers.
//! * [`entry_point`] finds the moment at which that is worth doing.

pub mod dump;
pub mod entry_point;
pub mod freeze;
pub mod relations;
