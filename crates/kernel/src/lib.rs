//! Catalyzer: kernel.
