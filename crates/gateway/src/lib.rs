//! Catalyzer: gateway.
