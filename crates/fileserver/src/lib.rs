//! Catalyzer: fileserver.
