//! Repositories, and nothing but: where they are, what a ref points to, what changed, and the bytes of a file.
//!
//! The only crate that knows gix. Everything here blocks: call it from a blocking thread, or have it done elsewhere: an
//! [`Request`] is a piece of it as a message, for a process that can be killed. In the order of a job:
//!
//! 1. [`Remote`] turns an argument into a URL to fetch from, and refuses secrets in it.
//! 2. [`Mirrors::tip`] asks the remote what a ref points to: one listing of refs, no objects, no mirror.
//! 3. [`Mirrors::take`] locks our bare copy of the remote, and [`Mirror::fetch`] brings one ref of it up to date.
//! 4. [`Mirror::changes`] streams what differs between two commits, at a cost that follows what changed.
//! 5. [`Blobs`] reads what is worth reading.
//!
//! What a remote sends is never trusted: nothing is checked out, no hook, helper or prompt is run, no configuration
//! of a remote is read, submodules are named and not followed, and paths are bytes. The programs `git`, which serves a
//! repository of this machine, and `ssh` read the configuration of their user.

mod attributes;
mod blobs;
mod carry;
mod changes;
mod checkout;
mod classify;
mod compare;
mod connection;
mod current_dir;
mod damage;
mod digest;
mod error;
mod evict;
mod explain;
mod fetch;
mod file_url;
mod fold;
mod folder;
mod foreign_text;
mod http;
mod http_error;
mod kept;
mod listing;
mod local;
mod location;
mod meter;
mod mirror;
mod mirrors;
mod mutex;
mod networks;
mod oid;
mod options;
mod program;
mod protocol;
mod registry;
mod remote;
mod repository;
mod request;
mod settings;
mod timeout;
mod tip;
mod transcript;
mod update;
mod userinfo;

pub use attributes::Attributes;
pub use blobs::{Blobs, Reader, read_counter};
pub use changes::{Change, ChangeKind};
pub use checkout::Checkout;
pub use error::{ErrorKind, GitError, Remedy, RemoteError};
pub use fetch::Received;
pub use location::Location;
pub use mirror::{Mirror, Turn};
pub use mirrors::Mirrors;
pub use networks::PrivateNetworks;
pub use oid::{MalformedOid, Oid};
pub use options::{Credential, Options};
pub use protocol::Protocol;
pub use remote::Remote;
pub use request::{Request, Response, Responses};
pub use settings::{CredentialSettings, GitSettings};
pub use tip::Tip;
pub use update::Fetched;
pub use warmer_settings::{Secret, SecretSource};
