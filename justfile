# What CI runs, in that order, nothing else.
check:
    bash .ci/run

# The quick part of it, for every few minutes.
quick:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    cargo test --workspace --all-features --lib

# The main job.
run:
    cargo run --release -- run scenarios/quickstart.yaml

# Writes the generated files anew: schemas and snapshots.
update:
    UPDATE_EXPECT=1 INSTA_UPDATE=always cargo test --workspace --all-features
