//! Images: what turns a frozen guest kernel into data and back.

pub mod relations;
