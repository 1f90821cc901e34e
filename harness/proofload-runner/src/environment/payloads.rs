//! Payload files: found by pattern; small ones are read once and shared, large ones are sent from where they lie.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use proofload_core::payload::{Filling, recipe};
use proofload_core::plan::Picker;
use proofload_core::scenario::{Content, PayloadSet, PayloadSource};

use crate::load::{LoadedPayload, PayloadFile, PayloadOrigin, Piece};

/// Largest file that is kept in memory.
const IN_MEMORY_BYTES_MAX: u64 = 1024 * 1024;
/// Most bytes that all payload files in memory may hold together.
const TOTAL_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// Reads every payload set. `folder` is where the scenario lies.
///
/// # Errors
/// A sentence naming the set and the folder that was looked in.
pub(crate) fn load_payloads(sets: &[PayloadSet], folder: &Path, seed: u64) -> Result<Vec<LoadedPayload>, String> {
    let mut total = 0;
    sets.iter().map(|set| load_set(set, folder, seed, &mut total)).collect()
}

fn load_set(set: &PayloadSet, folder: &Path, seed: u64, total: &mut u64) -> Result<LoadedPayload, String> {
    let pattern = match &set.source {
        PayloadSource::Files(pattern) => pattern,
        PayloadSource::Generated { content, count, .. } => return generate(set, (*content, *count), seed, total),
        PayloadSource::Recorded { content, .. } => {
            let origin = PayloadOrigin::Recorded { filling: Filling::new(*content), content_type: type_of(*content) };
            return Ok(loaded(set, origin));
        }
    };
    let paths = matching(&folder.join(pattern))
        .map_err(|error| format!("payload set `{}`: `{pattern}` cannot be listed: {error}", set.name))?;
    if paths.is_empty() {
        return Err(format!("payload set `{}`: no file matches `{pattern}` in {}", set.name, folder.display()));
    }
    let mut files = Vec::new();
    for path in paths {
        let content = content(&path, total).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        if *total > TOTAL_BYTES_MAX {
            return Err(format!(
                "the small files of the payload sets hold more than 2 GiB; `{}` went over it",
                set.name
            ));
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.push(PayloadFile { content_type: content_type(&name), name, content });
    }
    let picker = Picker::new(set.pick, files.len(), seed);
    Ok(loaded(set, PayloadOrigin::Files { files, picker }))
}

/// A small file in memory; of a large one the open file, which the kernel sends by itself.
fn content(path: &Path, total: &mut u64) -> std::io::Result<Piece> {
    let length = path.metadata()?.len();
    if length > IN_MEMORY_BYTES_MAX {
        return Ok(Piece::File { file: Arc::new(File::open(path)?), bytes: length });
    }
    *total += length;
    Ok(Piece::Bytes(Bytes::from(std::fs::read(path)?)))
}

fn loaded(set: &PayloadSet, origin: PayloadOrigin) -> LoadedPayload {
    LoadedPayload { set: set.clone(), source: Arc::new(origin) }
}

fn type_of(content: Content) -> &'static str {
    match content {
        Content::Text => "text/plain",
        Content::Bytes => "application/octet-stream",
    }
}

/// Makes every payload of a generated set.
fn generate(
    set: &PayloadSet,
    (content, count): (Content, u32),
    seed: u64,
    total: &mut u64,
) -> Result<LoadedPayload, String> {
    let filling = Filling::new(content);
    let mut files = Vec::new();
    for number in 0..count as usize {
        let recipe = recipe(set, number, None, seed).expect("a generated set has a recipe for each number");
        *total += recipe.bytes();
        if *total > TOTAL_BYTES_MAX {
            return Err(format!("the payload sets hold more than 2 GiB; `{}` went over it", set.name));
        }
        let mut bytes = Vec::new();
        recipe.blocks().for_each(|block| filling.write(block, &mut bytes));
        let name = format!("{}-{number}", set.name);
        files.push(PayloadFile { content_type: type_of(content), name, content: Piece::Bytes(Bytes::from(bytes)) });
    }
    let picker = Picker::new(set.pick, files.len(), seed);
    Ok(loaded(set, PayloadOrigin::Files { files, picker }))
}

/// Files whose name matches the last part of a pattern, sorted, so that every machine picks alike.
fn matching(pattern: &Path) -> std::io::Result<Vec<PathBuf>> {
    let folder = pattern.parent().unwrap_or_else(|| Path::new("."));
    let wanted = pattern.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && matches_pattern(&entry.file_name().to_string_lossy(), &wanted) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// `*` stands for any characters, everything else for itself.
fn matches_pattern(name: &str, pattern: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return name == pattern };
    let Some(left) = name.strip_prefix(before) else { return false };
    (0..=left.len()).filter(|at| left.is_char_boundary(*at)).any(|at| matches_pattern(&left[at..], rest))
}

fn content_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("dcm") => "application/dicom",
        Some("json") => "application/json",
        Some("pdf") => "application/pdf",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        let check = |name: &str, pattern: &str, expected: bool| {
            assert_eq!(matches_pattern(name, pattern), expected, "{name} against {pattern}");
        };
        check("a.png", "*.png", true);
        check("a.png", "*", true);
        check("a.png", "a.png", true);
        check("a.jpg", "*.png", false);
        check("chest-01.dcm", "chest-*.d*m", true);
        check("é.png", "*é*", true);
    }

    #[test]
    fn a_pattern_without_files_says_where_it_looked() {
        let folder = tempfile::tempdir().unwrap();
        let set = PayloadSet {
            name: "studies".to_owned(),
            source: PayloadSource::Files("*.png".to_owned()),
            pick: proofload_core::scenario::Pick::Cycle,
        };
        let error = load_payloads(&[set], folder.path(), 1).unwrap_err();
        assert!(error.starts_with("payload set `studies`: no file matches `*.png` in "), "{error}");
    }
}
