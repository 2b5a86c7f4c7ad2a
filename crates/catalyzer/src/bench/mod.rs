//! `catalyzer bench`: boots of each kind beside what they are compared with.

pub mod report;
pub mod stats;
