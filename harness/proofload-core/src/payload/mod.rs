//! Which payload each use takes, and what the bytes of a generated one are: from numbers alone, so that every
//! generator process sends the same.

mod filling;
mod picker;
mod recipe;

pub use filling::{Filling, Name};
pub use picker::{Picker, Use};
pub use recipe::{Block, BlockId, Recipe, recipe};
