//! Catalyzer: image.
