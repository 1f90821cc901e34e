//! The server from outside: over HTTP on a free port, and through the in-process handle.

mod accuracy;
mod defects;
mod goldens;
mod load;
mod rest;
mod world;
