//! What a judged run looks like to people and to other programs.

mod fixture;
mod report;
mod schema;
