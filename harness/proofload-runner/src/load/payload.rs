//! What flows send: files, or bytes made from numbers. Which one is picked depends on the pass alone, so that every
//! shard sends what a single one would.

use std::sync::Arc;

use bytes::Bytes;
use proofload_core::payload::{Filling, Picker, Use, recipe};
use proofload_core::scenario::PayloadSet;

use super::exchange::Piece;

/// A thing that flows send.
#[derive(Debug, Clone)]
pub(crate) struct PayloadFile {
    /// File name as sent.
    pub(crate) name: String,
    /// Media type.
    pub(crate) content_type: &'static str,
    /// What is sent: bytes in memory once, or the file itself.
    pub(crate) content: Piece,
}

/// The payloads of one set, shared by all shards.
#[derive(Debug, Clone)]
pub(crate) struct LoadedPayload {
    /// As the scenario has it.
    pub(crate) set: PayloadSet,
    /// Where they come from.
    pub(crate) source: Arc<Source>,
}

/// Where payloads come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// One of these; never empty.
    Files {
        /// The files.
        files: Vec<PayloadFile>,
        /// Which one each use takes.
        picker: Picker,
    },
    /// Made for each use from the entry of the trace that is replayed.
    Recorded {
        /// What they are cut from.
        filling: Filling,
        /// Media type.
        content_type: &'static str,
    },
}

impl LoadedPayload {
    /// What a use takes; `None` for a recorded payload where nothing is replayed.
    pub(super) fn take(&self, of: Use<'_>, seed: u64) -> Option<PayloadFile> {
        match &*self.source {
            Source::Files { files, picker } => files.get(picker.pick(of)).cloned(),
            Source::Recorded { filling, content_type } => {
                let recipe = recipe(&self.set, 0, of.entry, seed)?;
                let mut bytes = Vec::with_capacity(usize::try_from(recipe.bytes()).ok()?);
                recipe.blocks().for_each(|block| filling.write(block, &mut bytes));
                let name = format!("{}-{}", self.set.name, of.iteration);
                Some(PayloadFile { name, content_type, content: Piece::Bytes(Bytes::from(bytes)) })
            }
        }
    }
}
