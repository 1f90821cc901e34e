//! Sabotage: each way in which proofload itself can be spoilt is done to a real run of the real binary, and each must
//! end in INVALID with its signal named. A clean run must not.

#[cfg(test)]
mod clean;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod sabotaged;
#[cfg(test)]
mod sink;
#[cfg(test)]
mod time;
