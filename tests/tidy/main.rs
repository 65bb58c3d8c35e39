//! The shape of the tree, as ARCHITECTURE.md and CONTRIBUTING.md say it is. It reads sources and manifests and links
//! nothing of the product.
//!
//! | module | what it holds |
//! |---|---|
//! | `manifests` | arrows between crates point down, heavy dependencies have their doors, none is unused |
//! | `circles` | no two files of a crate need each other |
//! | `habits` | length and width of files, no test sleeps |
//! | `alerts` | rules, alerts and the dashboard ask for what config/metrics.md lists; every alert says what to do |
//! | `deploy` | times, sizes and ports in the files for deploying are those of the configuration |
//! | `proofs` | each promise of ARCHITECTURE.md names tests that exist, and documents name files that exist |

mod alerts;
mod circles;
mod code;
mod deploy;
mod habits;
mod imports;
mod manifests;
mod metrics;
mod promql;
mod proofs;
mod rules;
mod tree;
