//! Servers that may be missing on a developer's machine and must be there in CI.

/// Says that a test is left out for want of `part`. Where `PROOFLOAD_REQUIRE` (names with commas between) lists it, that is a
/// failure: CI installs what it requires.
#[expect(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that is left out says so; CI tells it by a variable"
)]
pub(crate) fn missing(part: &str, get: &str) {
    let required = std::env::var("PROOFLOAD_REQUIRE").is_ok_and(|parts| parts.split(',').any(|name| name == part));
    assert!(!required, "{part} is required and not here: {get}");
    eprintln!("SKIPPED for want of {part}: {get}");
}
