//! The main job through the real binary.

#[cfg(test)]
mod plant;
#[cfg(test)]
mod runs;
