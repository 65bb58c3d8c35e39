//! TLS: a certificate and its key, in files that are read again when they change.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use warmer_settings::absolute;

use crate::exposure::Exposure;

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {why}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why not.
        why: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} holds no whole {what} in PEM")]
    Empty {
        /// Which.
        path: String,
        /// What it should hold.
        what: &'static str,
    },
    /// Both are well, and cannot be used.
    #[error("{certificate} and {key} cannot be used together: {why}")]
    Unfit {
        /// The file of the certificate.
        certificate: String,
        /// The file of the key.
        key: String,
        /// Why not.
        why: rustls::Error,
    },
}

/// The handshake of a listener that has a certificate; none where it has none.
///
/// # Errors
/// When the files are not there, or do not belong together.
pub(crate) fn acceptor(exposure: Exposure<'_>) -> Result<Option<TlsAcceptor>, TlsError> {
    let Some(files) = Files::of(exposure) else { return Ok(None) };
    let seen = files.stamps();
    let shown = Mutex::new(Shown { pair: Arc::new(files.read()?), seen });
    let unfit = |why| files.unfit(why);
    let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let mut config = config.map_err(unfit)?.with_no_client_auth().with_cert_resolver(Arc::new(Certificate {
        name: exposure.name,
        files: files.clone(),
        shown,
    }));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

/// Whether the certificate of a listener, where it has one, can be shown now.
///
/// # Errors
/// Why not.
pub fn check_certificate(exposure: Exposure<'_>) -> Result<(), TlsError> {
    Files::of(exposure).map_or(Ok(()), |files| files.read().map(drop))
}

/// The cryptography.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// All certificates of a file in PEM.
///
/// # Errors
/// When it cannot be read or holds none.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |why| failed(path, "certificate", why);
    let all = CertificateDer::pem_file_iter(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if all.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(all) }
}

fn failed(path: &Path, what: &'static str, why: pem::Error) -> TlsError {
    let path = path.display().to_string();
    match why {
        pem::Error::Io(why) => TlsError::Unreadable { path, why },
        // What is wrong would repeat what stands there, and that may be part of a key.
        _ => TlsError::Empty { path, what },
    }
}

/// Where the two are.
#[derive(Clone, Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What tells a file from the one that was there before.
type Stamp = Option<(u64, u64, i64, i64)>;

impl Files {
    fn of(exposure: Exposure<'_>) -> Option<Self> {
        let Exposure { tls_certificate, tls_key, .. } = exposure;
        (!tls_certificate.is_empty()).then(|| Self { certificate: absolute(tls_certificate), key: absolute(tls_key) })
    }

    fn stamps(&self) -> [Stamp; 2] {
        let stamp = |of: Metadata| (of.ino(), of.size(), of.mtime(), of.mtime_nsec());
        [&self.certificate, &self.key].map(|path| std::fs::metadata(path).ok().map(stamp))
    }

    fn read(&self) -> Result<CertifiedKey, TlsError> {
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|why| failed(&self.key, "private key", why))?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|why| self.unfit(why))
    }

    fn unfit(&self, why: rustls::Error) -> TlsError {
        let (certificate, key) = (self.certificate.display().to_string(), self.key.display().to_string());
        TlsError::Unfit { certificate, key, why }
    }
}

/// What is shown to clients.
#[derive(Debug)]
struct Certificate {
    /// The listener's.
    name: &'static str,
    files: Files,
    shown: Mutex<Shown>,
}

#[derive(Debug)]
struct Shown {
    pair: Arc<CertifiedKey>,
    /// The files as they were when they were last read, well or not.
    seen: [Stamp; 2],
}

impl ResolvesServerCert for Certificate {
    /// Two files are asked for their times at each handshake: microseconds beside its milliseconds. Half of a renewal,
    /// the one file without the other, is not shown: the pair before stays until both are there.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.files.stamps();
        if now != shown.seen {
            shown.seen = now;
            match self.files.read() {
                Ok(pair) => {
                    shown.pair = Arc::new(pair);
                    tracing::info!(listener = self.name, "the certificate was renewed");
                }
                Err(why) => {
                    tracing::warn!(listener = self.name, "the certificate before stays in use: {why}");
                }
            }
        }
        Some(shown.pair.clone())
    }
}

#[cfg(test)]
mod tests;
