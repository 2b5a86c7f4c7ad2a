//! `serve`: hands arriving connections to instances.

mod kind;

pub use kind::BootKind;
