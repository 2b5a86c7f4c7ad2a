//! The freestanding guest kernel.
fn main() {}
