//! What the tests have in common.

pub(crate) mod client;
mod disk;
pub(crate) mod inference;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod rabbitmq;
pub(crate) mod redis;
pub(crate) mod require;
pub(crate) mod s3;
pub(crate) mod store;
pub(crate) mod system;
mod unprivileged;

pub(crate) use client::{Answer, Client};
pub(crate) use inference::FakeInference;
pub(crate) use system::{Setup, TestSystem};

/// A PNG by its first bytes; nothing more is needed where the inference server is a stand-in.
pub(crate) fn png(text: &str) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n", text.as_bytes()].concat()
}
