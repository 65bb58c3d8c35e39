//! An archive that comes from a server. What arrived is kept, and the next try goes on behind it, in this process or in
//! a later one, as long as the server says that the archive is still the same.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE};
use reqwest::{StatusCode, Url, redirect};
use warmer_setup::{Cache, Digest};

use crate::output;

/// How long a host may take to answer, and a connection may be silent.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How many connections are tried, one after the other, that each bring something new.
const TRIES: usize = 10;

/// How many redirects are followed.
const REDIRECTS_MAX: usize = 5;

/// One archive on its way.
pub(super) struct Download {
    url: Url,
    client: Client,
    /// What arrived so far.
    part: PathBuf,
    /// What the server calls that version of it.
    tag: PathBuf,
}

impl Download {
    /// Of this URL, into a file below `cache`.
    pub(super) fn of(url: &str, cache: &Cache) -> anyhow::Result<Self> {
        let url = Url::parse(url).context("the URL of --from cannot be read")?;
        let open = url.username().is_empty() && url.password().is_none();
        ensure!(open, "the URL of --from names a user: fetch the archive yourself and name its file");
        // The client takes the provider of the process, and panics without one. Only the first of these has an effect.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder().connect_timeout(TIMEOUT).timeout(TIMEOUT).redirect(never_less_safe());
        let client = client.build().context("cannot speak HTTP")?;
        let directory = cache.root().join("downloads");
        fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let name = Digest::of(url.as_str().as_bytes()).to_string();
        let part = directory.join(&name[..16]);
        Ok(Self { url, client, tag: part.with_extension("tag"), part })
    }

    /// Brings what is missing; the whole archive.
    ///
    /// # Errors
    /// When the server has none, or connections end too often. What arrived stays.
    pub(super) fn fetch(&self) -> anyhow::Result<&Path> {
        let cannot_write = || format!("cannot write {}", self.part.display());
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&self.part);
        let mut file = file.with_context(cannot_write)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => bail!("another `warmer setup` is fetching the same archive"),
            locked => locked.with_context(cannot_write)?,
        }
        for _ in 0..TRIES {
            let before = file.metadata().with_context(cannot_write)?.len();
            match self.go_on(&mut file, before)? {
                Outcome::Whole => return Ok(&self.part),
                Outcome::Broken { why, bytes } if bytes > before => {
                    output::note(&format!("set-up: the connection ended after {} ({why}); going on", megabytes(bytes)));
                }
                Outcome::Broken { why, .. } => bail!("cannot fetch {}: {why}", self.url),
            }
        }
        bail!("cannot fetch {}: {TRIES} connections ended early; the next `warmer setup` goes on", self.url)
    }

    /// Forgets what arrived.
    pub(super) fn remove(&self) {
        // What stays for want of rights is room on a disk, and no more.
        fs::remove_file(&self.part).and_then(|()| fs::remove_file(&self.tag)).ok();
    }

    /// One connection.
    fn go_on(&self, file: &mut File, have: u64) -> anyhow::Result<Outcome> {
        let mut request = self.client.get(self.url.clone());
        let tag = fs::read_to_string(&self.tag).ok().filter(|_| have > 0);
        if let Some(tag) = &tag {
            request = request.header(RANGE, format!("bytes={have}-")).header(IF_RANGE, tag);
        }
        let response = match request.send() {
            Ok(response) => response,
            Err(error) => return Ok(Outcome::Broken { why: because(&error), bytes: have }),
        };
        let start = match response.status() {
            StatusCode::PARTIAL_CONTENT if starts_at(response.headers(), have) => have,
            StatusCode::RANGE_NOT_SATISFIABLE if ends_at(response.headers(), have) => return Ok(Outcome::Whole),
            StatusCode::OK => 0,
            other => bail!("cannot fetch {}: the server answers {other}", self.url),
        };
        let cannot_write = || format!("cannot write {}", self.part.display());
        if start == 0 {
            file.set_len(0).with_context(cannot_write)?;
            match validator(response.headers()) {
                Some(tag) => fs::write(&self.tag, tag).with_context(cannot_write)?,
                None => drop(fs::remove_file(&self.tag)),
            }
        }
        file.seek(io::SeekFrom::Start(start)).with_context(cannot_write)?;
        copy(response, file, start).with_context(cannot_write)
    }
}

/// How a connection ended.
enum Outcome {
    Whole,
    /// So many bytes are there now.
    Broken {
        why: String,
        bytes: u64,
    },
}

/// The body into the file, behind the `bytes` that are there.
///
/// # Errors
/// When the file cannot be written; a connection that ends early is none.
fn copy(mut response: Response, file: &mut File, mut bytes: u64) -> io::Result<Outcome> {
    let whole = response.content_length().map_or(0, |rest| bytes + rest);
    let bar = ProgressBar::new(whole).with_position(bytes);
    // The template is a constant that is known to be right.
    bar.set_style(
        ProgressStyle::with_template("{bytes} of {total_bytes}, {bytes_per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut piece = vec![0; 1 << 16];
    let outcome = loop {
        match response.read(&mut piece) {
            Ok(0) => break Outcome::Whole,
            Ok(read) => {
                file.write_all(&piece[..read])?;
                bytes += read as u64;
                bar.set_position(bytes);
            }
            Err(error) => break Outcome::Broken { why: because(&error), bytes },
        }
    };
    bar.finish_and_clear();
    Ok(outcome)
}

/// What names this version of the archive: a tag of the server, if it is one for bytes, else a date.
fn validator(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(LAST_MODIFIED))
}

/// Whether a part begins where it was asked to.
fn starts_at(headers: &HeaderMap, start: u64) -> bool {
    content_range(headers).is_some_and(|range| range.starts_with(&format!("{start}-")))
}

/// Whether nothing is left to ask for.
fn ends_at(headers: &HeaderMap, end: u64) -> bool {
    content_range(headers) == Some(&format!("*/{end}"))
}

fn content_range(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")
}

/// A redirect may lead to a safer protocol, never to a less safe one.
fn never_less_safe() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let from_https = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
        if attempt.previous().len() > REDIRECTS_MAX {
            attempt.error("too many redirects")
        } else if from_https && attempt.url().scheme() != "https" {
            attempt.error("a redirect leads from https to http")
        } else {
            attempt.follow()
        }
    })
}

/// The innermost reason: those around it say only that a request failed.
fn because(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    output::printable_line(&innermost.to_string()).into_owned()
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::{SocketAddr, TcpListener};
    use std::thread;

    use super::*;

    const ARCHIVE: &[u8] = b"0123456789abcdef";

    /// A host that gives these answers, one a connection; the heads of the questions that it got, in lower case.
    #[expect(clippy::disallowed_methods, reason = "a host of a test has a thread of its own")]
    fn host(answers: Vec<Vec<u8>>) -> (SocketAddr, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = thread::spawn(move || {
            let answer = |answer: Vec<u8>| {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<_> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                stream.write_all(&answer).unwrap();
                head.join("\n").to_lowercase()
            };
            answers.into_iter().map(answer).collect()
        });
        (address, asked)
    }

    /// An answer whose body ends after `sent` bytes.
    fn answer(head: &str, body: &[u8], sent: usize) -> Vec<u8> {
        let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        [head.as_bytes(), &body[..sent]].concat()
    }

    fn download(address: SocketAddr, directory: &Path) -> Download {
        Download::of(&format!("http://{address}/warmer.tar.zst"), &Cache::at(directory)).unwrap()
    }

    #[test]
    fn a_connection_that_ends_early_is_gone_on_from_where_it_ended() {
        let directory = tempfile::tempdir().unwrap();
        let (address, asked) = host(vec![
            answer("200 OK\r\nETag: \"one\"", ARCHIVE, 7),
            answer("206 Partial Content\r\nContent-Range: bytes 7-15/16", &ARCHIVE[7..], 9),
        ]);
        let download = download(address, directory.path());
        assert_eq!(fs::read(download.fetch().unwrap()).unwrap(), ARCHIVE);
        let asked = asked.join().unwrap();
        assert!(!asked[0].contains("range:"), "{asked:?}");
        assert!(asked[1].contains("range: bytes=7-") && asked[1].contains("if-range: \"one\""), "{asked:?}");
    }

    #[test]
    fn an_archive_that_changed_meanwhile_is_fetched_from_its_start() {
        let directory = tempfile::tempdir().unwrap();
        let (address, asked) = host(vec![
            answer("200 OK\r\nETag: \"one\"", b"another archive", 5),
            answer("200 OK\r\nETag: \"two\"", ARCHIVE, 16),
        ]);
        let download = download(address, directory.path());
        assert_eq!(fs::read(download.fetch().unwrap()).unwrap(), ARCHIVE);
        assert!(asked.join().unwrap()[1].contains("range: bytes=5-"));
    }

    #[test]
    fn a_server_without_a_tag_for_bytes_is_asked_for_all_of_it_again() {
        let directory = tempfile::tempdir().unwrap();
        let weak = answer("200 OK\r\nETag: W/\"one\"", ARCHIVE, 3);
        let (address, asked) = host(vec![weak, answer("200 OK", ARCHIVE, 16)]);
        let download = download(address, directory.path());
        assert_eq!(fs::read(download.fetch().unwrap()).unwrap(), ARCHIVE);
        assert!(!asked.join().unwrap()[1].contains("range:"));
    }

    #[test]
    fn a_later_process_goes_on_and_one_that_has_all_of_it_fetches_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let whole = format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{}", ARCHIVE.len());
        let (address, asked) = host(vec![answer("200 OK\r\nETag: \"one\"", ARCHIVE, 16), answer(&whole, b"", 0)]);
        download(address, directory.path()).fetch().unwrap();
        let second = download(address, directory.path());
        assert_eq!(fs::read(second.fetch().unwrap()).unwrap(), ARCHIVE);
        assert!(asked.join().unwrap()[1].contains("range: bytes=16-"));
        second.remove();
        assert_eq!(fs::read_dir(directory.path().join("downloads")).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_fetched_is_one_sentence_with_the_url() {
        let directory = tempfile::tempdir().unwrap();
        let (address, _) = host(vec![answer("404 Not Found", b"", 0)]);
        let error = download(address, directory.path()).fetch().unwrap_err().to_string();
        assert_eq!(error, format!("cannot fetch http://{address}/warmer.tar.zst: the server answers 404 Not Found"));
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = download(closed, directory.path()).fetch().unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot fetch http://{closed}/")) && error.contains("refused"), "{error}");
    }

    #[test]
    fn a_url_that_names_a_user_is_refused_and_not_repeated() {
        let directory = tempfile::tempdir().unwrap();
        let error = Download::of("https://me:s3cr3t@host/a", &Cache::at(directory.path())).err().unwrap().to_string();
        assert!(error.contains("names a user") && !error.contains("s3cr3t"), "{error}");
    }
}
