//! `bench --micro`: single operations of a program, in the sandbox beside native.

pub mod probe;
