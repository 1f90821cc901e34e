//! HTTP/2 as the load speaks it (RFC 9113), over the `h2` crate: many requests share a connection.

mod connection;
mod exchange;
mod pool;
mod request;

pub(super) use pool::Pool;
