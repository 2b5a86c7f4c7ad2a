//! Catalyzer: monitor.
