//! Conformance cases: each talks to a target over the wire and says what it saw.
