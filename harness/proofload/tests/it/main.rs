//! The program from outside, and the shape of the workspace.

#[cfg(test)]
mod baseline;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod generators;
#[cfg(test)]
mod live_view;
#[cfg(test)]
mod pairs;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod reporting;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod search;
#[cfg(test)]
mod workspace;
